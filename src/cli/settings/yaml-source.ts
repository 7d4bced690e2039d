/** A parsed YAML text with the line of each value. */

import type { Document, LineCounter, Node } from 'yaml'
import { KissError } from '../../errors.js'

export class Source {
  constructor(
    readonly file: string,
    readonly yaml: typeof import('yaml'),
    readonly document: Document,
    readonly lines: LineCounter,
  ) {}

  place(position: number): string {
    const { line, col } = this.lines.linePos(position)
    return `${this.file}:${line}:${col}`
  }

  fail(position: number, message: string, cause?: unknown): never {
    throw new KissError('configuration', `${this.place(position)}: ${message}`, { cause })
  }

  *pairs(): Generator<{ name: string; position: number; value: Node | null }> {
    const contents = this.document.contents
    if (contents === null) return
    if (!this.yaml.isMap<Node, Node | null>(contents)) {
      return this.fail(positionOf(contents), 'expected settings, one a line, such as quota: 100GiB')
    }
    for (const { key, value } of contents.items) {
      const position = positionOf(key)
      const name = this.yaml.isScalar(key) ? key.value : undefined
      yield { name: typeof name === 'string' ? name : this.fail(position, 'a key has to be a word'), position, value }
    }
  }

  /** The texts of a scalar or of a list of scalars, as written; empty for an empty value; undefined for anything else. */
  texts(node: Node | null, many: boolean): string[] | undefined {
    if (node === null) return []
    if (this.yaml.isScalar(node)) {
      if (node.value === null) return []
      return [typeof node.value === 'string' ? node.value : (node.source ?? JSON.stringify(node.value))]
    }
    if (!many || !this.yaml.isSeq<Node | null>(node)) return undefined
    const texts = node.items.map((item) => this.texts(item, false))
    return texts.includes(undefined) ? undefined : texts.flatMap((text) => text ?? [])
  }

  /** The line of the value at these keys and indices; undefined where there is none. */
  lineAt(path: readonly (string | number)[]): number | undefined {
    const node = this.document.getIn(path, true)
    return this.yaml.isNode(node) ? this.lines.linePos(positionOf(node)).line : undefined
  }

  plain(node: Node | null): unknown {
    if (node === null) return null
    try {
      return node.toJS(this.document)
    } catch {
      // The reason repeats the name of the alias, which may be a token.
      return this.fail(positionOf(node), 'its aliases cannot be resolved')
    }
  }
}

/** Offset in the text. */
export function positionOf(node: Node): number {
  return node.range?.[0] ?? 0
}
