/** Reads YAML where PyYAML is more lenient than YAML 1.2: at any indentation inside quotes, braces and brackets. */
import {
  isCollection,
  isScalar,
  parseAllDocuments,
  Scalar,
  visit,
  type Document,
  type Node,
  type YAMLError,
  YAMLParseError,
} from 'yaml'
import { TOO_DEEP, tooDeep } from './depth.js'

export interface Parsed {
  readonly documents: readonly Document[]
  readonly error: YAMLError | undefined
}

/** How many quoted scalars, braces and brackets {@link parseAsPyYaml} mends before it takes the error for one. */
const patience = 100

/**
 * The parser takes a line of too little indentation for the end of what is open. In YAML 1.1 it is none: that line end
 * becomes a blank, which has the same length, so that every offset stays what it is.
 */
export function parseAsPyYaml(source: string): Parsed {
  const first = parse(source)
  let last = first
  for (let text = source, times = 0; last.error !== undefined && times < patience; times++) {
    const mended = mend(text, last.documents, last.error)
    if (mended === undefined) return first
    text = mended
    last = parse(text)
  }
  return last.error === undefined ? last : first
}

function parse(source: string): Parsed {
  const deep = tooDeep(source)
  if (deep !== undefined) return { documents: [], error: new YAMLParseError([deep, deep + 1], 'IMPOSSIBLE', TOO_DEEP) }
  // failsafe: scalars stay strings; which of them mean more is for pyyaml.ts. Not strict: what PyYAML takes should pass.
  const parsed = parseAllDocuments(source, {
    schema: 'failsafe',
    strict: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  })
  const documents: readonly Document[] = 'empty' in parsed ? [] : parsed
  const errors = documents.flatMap((document) => document.errors)
  // PyYAML takes a comment that follows a `,` or a quote without a blank.
  const error = errors.find(
    ({ code, pos: [at] }) => code !== 'MISSING_CHAR' || !/^\S#$/.test(source.slice(at - 1, at + 1)),
  )
  return { documents, error }
}

/** The text with what the parser gave up at on one line; undefined for any other error. */
function mend(text: string, documents: readonly Document[], { code, pos: [at] }: YAMLError): string | undefined {
  if (code !== 'MISSING_CHAR' && code !== 'BAD_INDENT') return undefined
  const start = endingAt(documents, at)?.range?.[0]
  const mended = start === undefined ? undefined : onOneLine(text, start)
  return mended === text ? undefined : mended
}

/** The quoted scalar, or the outermost braces or brackets, whose end the parser believes to be there. */
function endingAt(documents: readonly Document[], offset: number): Node | undefined {
  let found: Node | undefined
  const look = (_key: unknown, node: Node): symbol | undefined => {
    const isQuoted = isScalar(node) && (node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE)
    const isFlow = isCollection(node) && node.flow === true
    if (node.range?.[1] !== offset || !(isQuoted || isFlow)) return undefined
    found = node
    return visit.BREAK
  }
  for (const document of documents) if (found === undefined) visit(document, { Node: look })
  return found
}

/** Where a value may begin a quote opens one; inside a plain scalar it is a character like others. */
const fresh = /'(?:''|[^'])*':?|"(?:\\[^]|[^"\\])*":?|#[^\n]*|[^\s,[\]{}]+|[^]/y
const inPlain = /#[^\n]*|[^\s,[\]{}]+|[^]/y

/** YAML 1.1 §4.3.1: what separates documents ends everything. */
const boundary = /\n(?:---|\.\.\.)(?:\s|$)/

/** Blanks for every line end and comment from `start` to what closes it; undefined where nothing does. */
function onOneLine(text: string, start: number): string | undefined {
  const parts = [text.slice(0, start)]
  let depth = 0
  let pattern = fresh
  let scalar = start
  for (let at = start; at < text.length;) {
    pattern.lastIndex = at
    const [part = ''] = pattern.exec(text) ?? []
    at += part.length
    parts.push(part.startsWith('#') ? ' '.repeat(part.length) : part.replace(/[\r\n]/g, ' '))
    if (part === '{' || part === '[') depth++
    if (part === '}' || part === ']') depth--
    if (depth === 0) return boundary.test(text.slice(start, at)) ? undefined : parts.join('') + text.slice(at)
    if (pattern === fresh && /^[^\s:]/.test(part)) scalar = at - part.length
    // A key stands on one line, for PyYAML too.
    if (part.endsWith(':') && text.slice(scalar, at).includes('\n')) return undefined
    if (/\S/.test(part)) pattern = isPlain(part, pattern === inPlain) ? inPlain : fresh
  }
  return undefined
}

/** Does a plain scalar go on behind this part? Not behind its key, and not behind an anchor or a tag. */
function isPlain(part: string, before: boolean): boolean {
  if (/^[#,[\]{}]/.test(part) || part.endsWith(':') || part === '?') return false
  return before || !/^['"!&]/.test(part)
}
