/** The bound of nesting in a job. */
import { CST, Lexer } from 'yaml'

/** The depth of nested collections: no job is as deep, and the stacks of Node and Python are not in danger. */
export const deepest = 500
export const TOO_DEEP = 'nested too deeply'

/**
 * The offset at which more than {@link deepest} collections are open; undefined: the nesting is safe. The parser is
 * recursive: at the end of its stack V8 can end the process when it compiles a regular expression. The lexer is not.
 *
 * @param source has no control characters
 */
export function tooDeep(source: string): number | undefined {
  let [offset, lineStart, inFlow] = [0, 0, 0]
  /** The columns of the `-` and `?` that are open, in rising order. */
  const columns: number[] = []
  for (const lexeme of new Lexer().lex(source)) {
    if (lexeme === CST.FLOW_END) inFlow = 0
    // These three stand for no character.
    if (lexeme === CST.DOCUMENT || lexeme === CST.FLOW_END || lexeme === CST.SCALAR) continue
    const type = CST.tokenType(lexeme)
    if (type === 'flow-seq-start' || type === 'flow-map-start') inFlow++
    else if (type === 'flow-seq-end' || type === 'flow-map-end') inFlow = Math.max(0, inFlow - 1)
    else if (type === 'seq-item-ind' || type === 'explicit-key-ind') {
      while ((columns.at(-1) ?? -1) >= offset - lineStart) columns.pop()
      columns.push(offset - lineStart)
    }
    if (inFlow + columns.length > deepest) return offset
    const lineEnd = lexeme.lastIndexOf('\n')
    if (lineEnd >= 0) lineStart = offset + lineEnd + 1
    offset += lexeme.length
  }
  return undefined
}
