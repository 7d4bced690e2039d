/** From the text of a job file to documents whose nodes know where they stand. */
import { KissError } from 'kiss-cache/plugin'
import { isScalar, Scalar, type Node } from 'yaml'
import { parseAsPyYaml } from './lenient.js'
import { View } from './pyyaml.js'

export interface Job {
  /** As the user named the file. */
  readonly name: string
  readonly text: string
  /** A byte order mark, or nothing: it stands before {@link source} and does not count in any offset. */
  readonly mark: string
  /** The rest of the text, with every line end of YAML 1.1 as the parser knows it: as long as the text itself. */
  readonly source: string
  readonly documents: readonly View[]
  /** Offsets at which lines start. */
  readonly lines: readonly number[]
}

/** YAML 1.1 §4.1.1, of what UTF-8 can hold: the parser takes these, PyYAML does not. */
const notPrintable = /(?![\t\n\r\x85])\p{Cc}|[\ufffe\uffff]/u

/** Throws KissError (`usage`) naming file, line and column when it is not YAML. */
export function parseJob(name: string, text: string): Job {
  // YAML 1.1 §4.1.4: a lone CR, NEL, LS and PS end a line too, for PyYAML, but not for the parser.
  const mark = text.startsWith('\ufeff') ? '\ufeff' : ''
  const source = text.slice(mark.length).replace(/\r(?!\n)|[\x85\u2028\u2029]/g, '\n')
  const lines = [0]
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) lines.push(at + 1)
  const fail = (offset: number, message: string): never => {
    const { line, column } = position(lines, offset)
    const isTemplate = /\{[{%]/.test(source.slice(0, lines[line]))
    throw new KissError('usage', `${name}:${line}:${column}: not YAML: ${message}`, {
      ...(isTemplate ? { hint: 'if it is a template, fill it in first' } : {}),
    })
  }
  const unprintable = source.search(notPrintable)
  if (unprintable >= 0) fail(unprintable, 'a control character')
  const { documents, error } = parseAsPyYaml(source)
  if (error !== undefined) fail(error.pos[0], error.message)
  const views = documents.map((document) => new View(document))
  const problem = views.find((view) => view.problem !== undefined)?.problem
  if (problem !== undefined) fail(problem.node.range?.[0] ?? 0, problem.message)
  return { name, text, mark, source, lines, documents: views }
}

/** Both from 1; a column counts UTF-16 units. */
export function position(lines: readonly number[], offset: number): { line: number; column: number } {
  let low = 0
  let high = lines.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((lines[middle] ?? 0) <= offset) low = middle
    else high = middle
  }
  return { line: low + 1, column: offset - (lines[low] ?? 0) + 1 }
}

/** Where the content of a node begins: below the header of a block scalar. */
export function lineOf(job: Job, node: Node): number {
  const start = node.range?.[0] ?? 0
  const isBlock = isScalar(node) && (node.type === Scalar.BLOCK_FOLDED || node.type === Scalar.BLOCK_LITERAL)
  return position(job.lines, start).line + (isBlock ? 1 : 0)
}
