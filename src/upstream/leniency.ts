/**
 * Rewrites one HTTP/1 response that curl and wget accept into a form for a strict parser, as it arrives. Bytes that it cannot
 * read are passed on unchanged, and the parser refuses them. Pure.
 */

/** Bytes of a head; a longer one is not rewritten. */
const LONGEST_HEAD = 64 * 1024
/** Bytes of the line before a chunk. */
const LONGEST_LINE = 4 * 1024

/** RFC 9110 §5.6.2: the name of a field. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i

type State =
  | { readonly in: 'head' }
  /** The line with the size of a chunk, or with a trailer. */
  | { readonly in: 'size' | 'trailer' }
  | { readonly in: 'chunk'; readonly left: number }
  /** The end of the line after a chunk. */
  | { readonly in: 'chunk end' }
  /** As it comes. */
  | { readonly in: 'rest' }

export class Leniency {
  #state: State = { in: 'head' }
  #held: Buffer = Buffer.alloc(0)

  /** The bytes for the parser in place of those that arrived. */
  take(bytes: Buffer): Buffer[] {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    const out: Buffer[] = []
    while (this.#held.length > 0 && this.#step(out));
    return out
  }

  /** The connection ended: the held bytes are the last ones. */
  end(): Buffer[] {
    return this.#held.length === 0 ? [] : [this.#held.subarray(0)]
  }

  /** False: more bytes are needed. */
  #step(out: Buffer[]): boolean {
    switch (this.#state.in) {
      case 'head':
        return this.#head(out)
      case 'size':
      case 'trailer':
        return this.#line(out, this.#state.in)
      case 'chunk':
        return this.#chunk(out, this.#state.left)
      case 'chunk end': {
        const end = /^\r?\n/.exec(this.#held.toString('latin1', 0, 2))?.[0]
        if (end === undefined && this.#held.length === 1 && this.#held[0] === 0x0d) return false
        if (end === undefined) return this.#giveUp()
        this.#drop(end.length)
        out.push(Buffer.from('\r\n'))
        this.#state = { in: 'size' }
        return true
      }
      case 'rest':
        out.push(this.#held)
        this.#drop(this.#held.length)
        return true
    }
  }

  #head(out: Buffer[]): boolean {
    const text = this.#held.toString('latin1', 0, LONGEST_HEAD)
    const end = /\n\r?\n/.exec(text)
    if (end === null) return text.length === LONGEST_HEAD && this.#giveUp()
    this.#drop(end.index + end[0].length)
    const head = readHead(text.slice(0, end.index))
    // RFC 9110 §15.2.1: the request had no Expect.
    if (/^HTTP\/\S+ 100/.test(head.status)) return true
    out.push(Buffer.from(`${[head.status, ...head.fields].join('\r\n')}\r\n\r\n`, 'latin1'))
    // §15.2: another head follows.
    if (/^HTTP\/\S+ 1(?!01)\d\d/.test(head.status)) return true
    this.#state = { in: head.chunked ? 'size' : 'rest' }
    return true
  }

  #line(out: Buffer[], what: 'size' | 'trailer'): boolean {
    const end = this.#held.indexOf('\n')
    if (end < 0) return this.#held.length > LONGEST_LINE && this.#giveUp()
    const line = this.#held.toString('latin1', 0, end).trim()
    if (what === 'trailer') {
      this.#drop(end + 1)
      if (line !== '') return true
      out.push(Buffer.from('\r\n'))
      this.#state = { in: 'rest' }
      return true
    }
    // RFC 9112 §7.1.1: extensions are ignored.
    const size = /^([0-9a-f]{1,13})[\t ]*(?:;.*)?$/i.exec(line)?.[1]
    if (size === undefined) return this.#giveUp()
    this.#drop(end + 1)
    out.push(Buffer.from(`${size}\r\n`))
    const left = Number.parseInt(size, 16)
    this.#state = left === 0 ? { in: 'trailer' } : { in: 'chunk', left }
    return true
  }

  #chunk(out: Buffer[], left: number): boolean {
    const part = this.#held.subarray(0, left)
    this.#drop(part.length)
    out.push(part)
    this.#state = part.length < left ? { in: 'chunk', left: left - part.length } : { in: 'chunk end' }
    return true
  }

  #giveUp(): true {
    this.#state = { in: 'rest' }
    return true
  }

  #drop(bytes: number): void {
    this.#held = this.#held.subarray(bytes)
  }
}

interface Head {
  readonly status: string
  readonly fields: readonly string[]
  readonly chunked: boolean
}

function readHead(text: string): Head {
  const [status = '', ...lines] = text.replace(/^[\r\n]+/, '').split(/\r?\n/)
  // RFC 9112 §5.2: a folded line belongs to the one before.
  const unfolded = lines.reduce<string[]>((done, line) => {
    if (!/^[\t ]/.test(line)) return [...done, line]
    const before = done.at(-1)
    return before === undefined ? done : [...done.slice(0, -1), `${before.trimEnd()} ${line.trim()}`]
  }, [])
  const fields = unfolded.flatMap((line) => {
    const [, name, value] = /^([^:]*):(.*)$/s.exec(line) ?? []
    if (name === undefined || value === undefined || !TOKEN.test(name.trim())) return []
    return [[name.trim(), cleaned(value)] as const]
  })
  const named = (wanted: string) => fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value)
  const chunked = named('transfer-encoding').some((value) => /(^|,)\s*chunked\s*$/i.test(value))
  const lengths = new Set(named('content-length').flatMap((value) => value.split(',').map((one) => one.trim())))
  const [length] = lengths
  // RFC 9112 §6.3: chunks win over a length, and equal lengths are one; lengths that differ stay for the parser to refuse.
  const kept = fields.filter(([written, value]) => {
    const name = written.toLowerCase()
    // RFC 2616 §3.6 had a coding that codes nothing.
    if (name === 'transfer-encoding') return value.toLowerCase() !== 'identity'
    return name !== 'content-length' || (!chunked && lengths.size > 1)
  })
  if (!chunked && lengths.size === 1) kept.push(['Content-Length', length ?? ''])
  return {
    // Of a head without fields the line end is left.
    status: status
      .trimEnd()
      .replace(/^HTTP\/1\.\d+/, 'HTTP/1.1')
      .replace(/^ICY /, 'HTTP/1.1 '),
    fields: kept.map(([name, value]) => `${name}: ${value}`),
    chunked,
  }
}

/** RFC 9110 §5.5: control characters are replaced by blanks. */
function cleaned(value: string): string {
  return value.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, ' ').trim()
}
