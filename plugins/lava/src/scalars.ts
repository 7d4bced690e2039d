/**
 * How a URL is written in the source, and how another one is written in its place so that the way back is exact.
 *
 * Every style stays the same, with one exception: a plain scalar inside `{}` or `[]` gets single quotes, because some
 * parsers refuse a plain `?` there. To tell it from one that had single quotes all along, the latter is marked: its
 * `url=http%3A…` is written `url=http%3a…`, which means the same. So is one with the escapes of JSON writers, of which the
 * encoded URL may have none left.
 */
import { Scalar } from 'yaml'
import { unwrap, wrap, type Wrapped } from './urls.js'

/**
 * What JSON writers make of a double-quoted scalar: `slashes` has every `/` as `\/`, `escapes` has `&`, `<`, `>` and what is
 * not ASCII as `\u0026`.
 */
export type Style = 'plain' | 'single' | 'double' | 'slashes' | 'escapes' | 'block' | 'flow-plain' | 'flow-single'

/** The text of one URL in the source (`Job.source`). */
export interface Slot {
  readonly style: Style
  /** Offsets in the source. */
  readonly start: number
  readonly end: number
  /** Without the line end of a block scalar, which stays outside. */
  readonly url: string
}

/** Why a scalar has no {@link Slot}. */
export type Unfit = 'several-lines' | 'escapes'

/** Finds the URL's text; `Unfit` where another URL in its place could not be taken back exactly. */
export function slotOf(source: string, scalar: Scalar<string>, inFlow: boolean): Slot | Unfit {
  const [start, end] = scalar.range ?? [0, 0, 0]
  const text = source.slice(start, end)
  if (scalar.type === Scalar.BLOCK_FOLDED || scalar.type === Scalar.BLOCK_LITERAL) return blockSlot(text, start, scalar)
  if (text.includes('\n')) return 'several-lines'
  const style = stylesOf(scalar, inFlow).find((candidate) => render(candidate, scalar.value) === text)
  return style === undefined ? 'escapes' : { style, start, end, url: scalar.value }
}

function stylesOf(scalar: Scalar, inFlow: boolean): Style[] {
  if (scalar.type === Scalar.QUOTE_DOUBLE) return ['double', 'slashes', 'escapes']
  if (scalar.type === Scalar.QUOTE_SINGLE) return [inFlow ? 'flow-single' : 'single']
  return [inFlow ? 'flow-plain' : 'plain']
}

/** A block scalar with exactly one line of content: the header and every line end stay outside the slot. */
function blockSlot(text: string, start: number, scalar: Scalar<string>): Slot | Unfit {
  const parts = /^([|>][^\n]*\n[ \t]*)(\S[^\r\n]*)\s*$/.exec(text)
  const url = parts?.[2]
  if (parts?.[1] === undefined || url === undefined || scalar.value.replace(/\n+$/, '') !== url) return 'several-lines'
  const from = start + parts[1].length
  return { style: 'block', start: from, end: from + url.length, url }
}

/** The source text of a URL in a style; undefined where that style cannot hold it. */
export function render(style: Style, url: string): string | undefined {
  switch (style) {
    case 'block':
      return isPrintable(url) && /^\S/.test(url) ? url : undefined
    case 'plain':
      return isPlain(url) ? url : undefined
    case 'flow-plain':
      return isPlain(url) && !/[,[\]{}]/.test(url) ? url : undefined
    case 'single':
    case 'flow-single':
      return isPrintable(url) ? `'${url.replaceAll("'", "''")}'` : undefined
    case 'double':
      return isPrintable(url) ? `"${url.replace(/["\\]/g, '\\$&')}"` : undefined
    case 'slashes':
      return isPrintable(url) ? `"${url.replace(/["\\/]/g, '\\$&')}"` : undefined
    case 'escapes':
      return isPrintable(url) ? `"${url.replace(/["\\]/g, '\\$&').replace(escaped, unicode)}"` : undefined
  }
}

/** Nothing outside the Basic Multilingual Plane: the two halves that JSON makes of it are no characters to PyYAML. */
const escaped = /[&<>\u0080-\ud7ff\ue000-\uffff]/g

function unicode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** YAML 1.1 plain scalars of one line; what starts a URL never is an indicator. */
function isPlain(text: string): boolean {
  return isPrintable(text) && /^[A-Za-z]/.test(text) && !/:(?:\s|$)|\s#|\s$/.test(text)
}

/** No line breaks (YAML 1.1 has five) and no control characters. */
function isPrintable(text: string): boolean {
  return !/[\p{Cc}\p{Cs}\u2028\u2029\ufeff]/u.test(text.replaceAll('\t', ''))
}

/** What to write in a slot so that the URL comes through `server`; undefined where the way back would not be exact. */
export function rewritten(
  slot: Slot,
  server: string,
  ttl: string | undefined,
): { url: string; text: string } | undefined {
  const marked = slot.style === 'flow-single' || slot.style === 'escapes'
  const url = wrap(server, { url: slot.url, marked, ...(ttl === undefined ? {} : { ttl }) })
  if (url === undefined) return undefined
  const style = slot.style === 'flow-plain' ? 'flow-single' : slot.style
  const text = render(style, url)
  const before = render(slot.style, slot.url)
  const exact = before !== undefined && restored({ ...slot, style, url }, server)?.text === before
  return text !== undefined && exact ? { url, text } : undefined
}

/** What stood in a slot before {@link rewritten}; undefined for what `rewritten` did not write. */
export function restored(slot: Slot, server: string): (Wrapped & { readonly text: string }) | undefined {
  const wrapped = unwrap(server, slot.url)
  if (wrapped === undefined) return undefined
  const style = styleBefore(slot.style, wrapped.marked === true)
  const text = style === undefined ? undefined : render(style, wrapped.url)
  return text === undefined ? undefined : { ...wrapped, text }
}

/** The style of what {@link rewritten} was given, by that of what it wrote; undefined where it would not have written that. */
function styleBefore(style: Style, marked: boolean): Style | undefined {
  if (style === 'flow-single') return marked ? 'flow-single' : 'flow-plain'
  if (style === 'double') return marked ? 'escapes' : 'double'
  return (style === 'escapes') === marked ? style : undefined
}
