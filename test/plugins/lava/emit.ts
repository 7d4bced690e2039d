/** Writes an object as YAML in a style that is drawn anew for every node, and knows which text stands in which places. */

export type Random = () => number

/** mulberry32: small, seeded, good enough to draw styles. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Indents every line inside braces and brackets, and nothing else. */
export const far = ' '.repeat(200)

/** Line ends inside braces and brackets. */
const breaks = [`\n${far}`, `\n\n${far}`, ` # it's [ {"\n${far}`]

interface Anchored {
  readonly name: string
  readonly value: unknown
  readonly path: string
}

export interface Emitted {
  readonly text: string
  /** Every string that was written, with the places in which it stands: several where aliases repeat it. */
  readonly strings: readonly (readonly string[])[]
}

export function emit(value: unknown, random: Random): Emitted {
  return new Emitter(random).document(value)
}

class Emitter {
  readonly #random: Random
  readonly #strings: string[][] = []
  readonly #anchored: Anchored[] = []
  #anchors = 0

  constructor(random: Random) {
    this.#random = random
  }

  document(value: unknown): Emitted {
    let text = `${this.#noise(0)}${this.#chance(0.2) ? '---\n' : ''}`
    text += this.#chance(0.1) ? `${this.#flow(value, '')}\n` : this.#block(value, 0, '').replace(/^\n/, '')
    if (this.#chance(0.2)) text = text.replace(/\n$/, '')
    if (this.#chance(0.3)) text = text.replaceAll('\n', '\r\n')
    if (this.#chance(0.1)) text = `\ufeff${text}`
    return { text, strings: this.#strings }
  }

  /** What follows `key:` or `-`: ` value\n`, or a line end and an indented block. */
  #block(value: unknown, indent: number, path: string): string {
    const alias = this.#alias(value, path)
    if (alias !== undefined) return ` ${alias}${this.#end()}`
    const anchor = this.#anchor()
    let text: string
    if (!isCollection(value) || isEmpty(value) || this.#chance(0.2)) text = this.#inline(value, indent, path, anchor)
    else if (Array.isArray(value)) text = `${anchor}${this.#end()}${this.#sequence(value, indent, path)}`
    else text = `${anchor}${this.#end()}${this.#mapping(value, indent, path)}`
    this.#remember(anchor, value, path)
    return text
  }

  #inline(value: unknown, indent: number, path: string, anchor: string): string {
    if (typeof value === 'string' && isUrl(value) && this.#chance(0.2)) {
      this.#strings.push([path])
      const header = this.#pick(['|-', '>-', '>- # http://comment.example.com/x'])
      return `${anchor} ${header}\n${' '.repeat(indent + 2)}${value}\n`
    }
    const gap = this.#chance(0.1) ? `\n${' '.repeat(indent + 3)}` : this.#pick([' ', ' ', ' ', '  '])
    const text = isCollection(value) ? this.#flowBody(value, path) : this.#scalar(value, path, false)
    return `${anchor}${gap}${text}${this.#end()}`
  }

  #mapping(value: object, indent: number, path: string): string {
    const { merge, entries } = this.#merged(value, path)
    const lines = this.#shuffled(entries).map(([key, inner]) => {
      const at = `${path}/${key}`
      const pad = ' '.repeat(indent)
      const dead = key === 'url' && this.#chance(0.1) ? `${pad}url: http://dead.example.com/x\n` : ''
      const nested = indent + this.#pick([1, 2, 2, 4, 8])
      if (isPlain(key) && this.#chance(0.05)) return `${dead}${pad}? ${key}\n${pad}:${this.#block(inner, nested, at)}`
      const colon = this.#chance(0.05) ? ' :' : ':'
      // A sequence may stand as far left as its key.
      const inside = Array.isArray(inner) && this.#chance(0.5) ? indent : nested
      return `${this.#noise(indent)}${dead}${pad}${this.#key(key)}${colon}${this.#block(inner, inside, at)}`
    })
    // Where it stands does not matter: a mapping's own keys win.
    if (merge !== undefined) lines.splice(this.#random() * (lines.length + 1), 0, `${' '.repeat(indent)}<<: ${merge}\n`)
    return lines.join('')
  }

  #sequence(value: readonly unknown[], indent: number, path: string): string {
    const pad = ' '.repeat(indent)
    return value
      .map((item, index) => {
        const gap = this.#pick([1, 1, 3])
        const body = this.#block(item, indent + 1 + gap, `${path}/${index}`)
        // A mapping begins on the line of its dash where nothing stands between them.
        const compact = body.startsWith(`\n${' '.repeat(indent + 1 + gap)}`) && !/^\n *[#\n]/.test(body)
        return `${this.#noise(indent)}${pad}-${compact ? body.slice(1).replace(/^ */, ' '.repeat(gap)) : body}`
      })
      .join('')
  }

  #flow(value: unknown, path: string): string {
    const alias = this.#alias(value, path)
    if (alias !== undefined) return `${alias} `
    const anchor = this.#anchor()
    const text = this.#flowBody(value, path)
    this.#remember(anchor, value, path)
    return anchor === '' ? text : `${anchor.trim()} ${text}`
  }

  #flowBody(value: unknown, path: string): string {
    const blank = (): string => (this.#chance(0.05) ? this.#pick(breaks) : this.#pick(['', '', ' ']))
    if (!isCollection(value)) return this.#scalar(value, path, true)
    const items = Array.isArray(value)
      ? value.map((item, index) => this.#flow(item, `${path}/${index}`))
      : this.#flowPairs(value, path)
    const text = items.map((item) => `${blank()}${item}${blank()}`).join(',')
    return Array.isArray(value) ? `[${text}]` : `{${text}}`
  }

  #flowPairs(value: object, path: string): string[] {
    const { merge, entries } = this.#merged(value, path)
    const pairs = this.#shuffled(entries).map(
      ([key, inner]) => `${this.#key(key)}: ${this.#flow(inner, `${path}/${key}`)}`,
    )
    if (merge !== undefined) pairs.splice(this.#random() * (pairs.length + 1), 0, `<<: ${merge} `)
    return pairs
  }

  /** A merge of an anchored mapping that has no key that this one has not, and the entries that it leaves to write. */
  #merged(value: object, path: string): { merge: string | undefined; entries: [string, unknown][] } {
    const entries = Object.entries(value)
    const same = (key: string, other: unknown): boolean =>
      JSON.stringify((other as Record<string, unknown>)[key]) ===
      JSON.stringify((value as Record<string, unknown>)[key])
    const fitting = this.#anchored.filter(({ value: other }) => {
      if (!isCollection(other) || Array.isArray(other) || isEmpty(other)) return false
      return (
        Object.keys(other).every((key) => Object.hasOwn(value, key)) &&
        Object.keys(other).some((key) => same(key, other))
      )
    })
    if (fitting.length === 0 || this.#chance(0.3)) return { merge: undefined, entries }
    const { name, value: other, path: base } = this.#pick(fitting)
    const taken = new Set(Object.keys(other as object).filter((key) => same(key, other)))
    for (const key of taken) this.#copyPlaces(`${base}/${key}`, `${path}/${key}`)
    return { merge: this.#pick([`*${name}`, `[ *${name} ]`]), entries: entries.filter(([key]) => !taken.has(key)) }
  }

  #scalar(value: unknown, path: string, inFlow: boolean): string {
    if (value === false) return this.#pick(['false', 'no', 'off', 'No', 'OFF'])
    if (value === true) return this.#pick(['true', 'yes', 'on'])
    if (value === null) return inFlow ? 'null' : this.#pick(['~', 'null'])
    if (typeof value !== 'string') return JSON.stringify(value)
    this.#strings.push([path])
    const tag = this.#chance(0.05) ? '!!str ' : ''
    const plain = isPlain(value) && !(inFlow && /[,[\]{}?]/.test(value)) ? [value, value] : []
    const single = /^[\x20-\x7e]*$/.test(value) ? [`'${value.replaceAll("'", "''")}'`] : []
    const slashes = isUrl(value) ? [JSON.stringify(value).replaceAll('/', '\\/')] : []
    const json = this.#chance(0.2) ? [...slashes, escaped(JSON.stringify(value))] : []
    return tag + this.#pick([...plain, ...single, JSON.stringify(value), ...json])
  }

  #key(key: string): string {
    const plain = isPlain(key) ? [key, key, key, key] : []
    return this.#pick([...plain, JSON.stringify(key), `'${key.replaceAll("'", "''")}'`])
  }

  /** Takes an earlier value that is equal, if one was anchored. */
  #alias(value: unknown, path: string): string | undefined {
    const text = JSON.stringify(value)
    const equal = this.#anchored.filter((anchored) => JSON.stringify(anchored.value) === text)
    if (equal.length === 0 || this.#chance(0.2)) return undefined
    const { name, path: base } = this.#pick(equal)
    this.#copyPlaces(base, path)
    return `*${name}`
  }

  /** What stands at or below one place stands at or below another one too. */
  #copyPlaces(from: string, to: string): void {
    for (const places of this.#strings)
      for (const place of places.filter((one) => one === from || one.startsWith(`${from}/`)))
        places.push(to + place.slice(from.length))
  }

  #anchor(): string {
    return this.#chance(0.1) ? ` &a${this.#anchors++}` : ''
  }

  #remember(anchor: string, value: unknown, path: string): void {
    if (anchor !== '') this.#anchored.push({ name: anchor.slice(2), value, path })
  }

  #end(): string {
    return `${this.#pick(['', '', '', '', '  ', ' # note', ' # see http://comment.example.com/x'])}\n`
  }

  /** Comments and empty lines between entries. */
  #noise(indent: number): string {
    if (this.#chance(0.85)) return ''
    return this.#pick(['\n', `${' '.repeat(indent)}# url: http://comment.example.com/y\n`, '# at the margin\n'])
  }

  #shuffled<Item>(items: Item[]): Item[] {
    return items
      .map((item) => ({ item, order: this.#random() }))
      .sort((a, b) => a.order - b.order)
      .map(({ item }) => item)
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)]!
  }
}

/** As JSON writers do that are careful with HTML and with what is not ASCII. */
export function escaped(text: string): string {
  return text.replace(/[&<>\u0080-\ud7ff\ue000-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function isCollection(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0
}

function isUrl(value: string): boolean {
  return /^https?:\/\/[!-~]*$/i.test(value)
}

/** Surely plain: no other reading, in any version of YAML. */
function isPlain(value: string): boolean {
  return (
    /^[A-Za-z][\w./:+~%;=&?$()'"@-]*$/.test(value) &&
    !/:$/.test(value) &&
    !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(value)
  )
}
