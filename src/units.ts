/** Sizes and durations: text to bytes and milliseconds, and back. */

import { KissError } from './errors.js'

/**
 * Powers by lower-case unit. As in GNU coreutils a bare letter is binary (`10G` is `10GiB`), `GB` is decimal, `GiB` binary.
 */
const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  ...Object.fromEntries(
    ['k', 'm', 'g', 't', 'p'].flatMap((letter, i) => [
      [letter, 1024 ** (i + 1)],
      [`${letter}ib`, 1024 ** (i + 1)],
      [`${letter}b`, 1000 ** (i + 1)],
    ]),
  ),
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const week = 7 * day

/** Milliseconds by unit. */
const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: second, m: minute, h: hour, d: day, w: week }

/** A longer lifetime is a typing error, and dates must stay within what Date can hold. */
const longestDuration = 100 * 365 * day

/** What 10^9 bytes cost. */
export interface Price {
  readonly amount: number
  /** The currency as its user wrote it: `USD`, `€`; '' where none was given. */
  readonly unit: string
}

/**
 * `0.09 USD`, `USD 0.09`, `$0.09`, or a bare number.
 * @param what the flag or parameter that the message names
 * @throws KissError `usage`
 */
export function parsePrice(text: string, what: string): Price {
  const match = /^\s*([A-Za-z]{1,5}|\p{Sc})?\s*(\d+(?:\.\d+)?)\s*([A-Za-z]{1,5}|\p{Sc})?\s*$/u.exec(text)
  const [, before = '', amount = '', after = ''] = match ?? []
  if (match === null || (before !== '' && after !== '')) {
    throw new KissError('usage', `${what}: ${quoted(text)} is not a price; write 0.09 or "0.09 USD"`)
  }
  return { amount: Number(amount), unit: before + after }
}

/** `1,234.50 USD`, `$0.09`; a sign of a currency stands before the amount, a name after it. */
export function formatMoney(amount: number, unit: string): string {
  const [whole = '0', cents] = amount >= 1000 ? [amount.toFixed(0)] : amount.toFixed(2).split('.')
  return withUnit(`${whole.replace(/\B(?=(\d{3})+$)/g, ',')}${cents === undefined ? '' : `.${cents}`}`, unit)
}

export function formatPrice({ amount, unit }: Price): string {
  return withUnit(String(amount), unit)
}

function withUnit(amount: string, unit: string): string {
  return unit === '' ? amount : /^\p{Sc}$/u.test(unit) ? `${unit}${amount}` : `${amount} ${unit}`
}

/** A received text for a message: short, one line, printable. */
function quoted(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text
  return JSON.stringify(short)
}

/**
 * Bytes of `10GiB`, `500MB`, `1.5 GiB`, `4096`. Units are SI (`MB`) or binary (`MiB`, `M`), in any case but `Mb` and the
 * like, which mean bits.
 * @param what the flag or parameter that the message names
 * @throws KissError `usage`
 */
export function parseSize(text: string, what: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text)
  const unit = match?.[2] ?? ''
  const factor = /^[KMGTP]b$/.test(unit) ? undefined : sizeUnits[unit.toLowerCase()]
  if (match === null || factor === undefined) {
    throw new KissError('usage', `${what}: ${quoted(text)} is not a size; write 10GiB, 500MB or plain bytes`)
  }
  const bytes = Math.round(Number(match[1]) * factor)
  if (!Number.isSafeInteger(bytes)) throw new KissError('usage', `${what}: ${quoted(text)} is too large`)
  return bytes
}

/**
 * Milliseconds of `500ms`, `30s`, `15m`, `12h`, `10d`, `1w`, of combinations from large to small (`1h30m`), and of a plain
 * number, which means seconds as in HTTP's own fields. Upper case is taken but for `M`, which could be a month.
 * @param what the flag or parameter that the message names
 * @throws KissError `usage`
 */
export function parseDuration(text: string, what: string): number {
  const fail = (): never => {
    throw new KissError('usage', `${what}: ${quoted(text)} is not a duration; write 30s, 15m, 12h, 10d or 1h30m`)
  }
  const trimmed = text.trim()
  if (/^\d+(?:\.\d+)?$/.test(trimmed)) return bounded(Number(trimmed) * second, text, what)
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhdwSHDW])\s*)+$/.test(trimmed)) return fail()
  let sum = 0
  let previous = Infinity
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|[a-z])/gi)) {
    const factor = durationUnits[unit?.toLowerCase() ?? ''] ?? NaN
    if (!(factor < previous)) return fail()
    previous = factor
    sum += Number(amount) * factor
  }
  return bounded(sum, text, what)
}

function bounded(ms: number, text: string, what: string): number {
  if (ms > longestDuration) throw new KissError('usage', `${what}: ${quoted(text)} is longer than 100 years`)
  return Math.round(ms)
}

/** `0 B`, `512 B`, `1.4 GiB`: binary, three digits at most. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let i = 0
  // 1023.5 of one unit would be rounded to 1024 of it.
  while (Math.abs(value) >= (i === 0 ? 1024 : 999.5) && i < units.length - 1) {
    value /= 1024
    i++
  }
  const digits = i === 0 || Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2
  const shown = value.toFixed(digits)
  return `${i > 0 && digits > 0 ? shown.replace(/\.?0+$/, '') : shown} ${units[i] ?? ''}`
}

/** `2.5 MiB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatSize(bytesPerSecond)}/s`
}

/** `10d` of 9d 23h 59m: the nearest whole number of the largest unit. */
export function formatRoughly(ms: number): string {
  const units = [second, minute, hour, day]
  const index = units.findLastIndex((unit) => ms >= unit)
  const unit = units[index]
  if (unit === undefined) return formatDuration(ms)
  const rounded = Math.round(ms / unit) * unit
  return formatDuration(rounded).split(' ')[0] ?? ''
}

/** `0s`, `350ms`, `45s`, `3d 4h`: the two largest units that say something. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`
  if (ms > 0 && ms < second) return `${Math.max(1, Math.round(ms))}ms`
  const units: readonly (readonly [string, number])[] = [
    ['d', day],
    ['h', hour],
    ['m', minute],
    ['s', second],
  ]
  const largest = units.findIndex(([, factor]) => ms >= factor)
  if (largest === -1) return '0s'
  const [name, factor] = units[largest] ?? ['s', second]
  const next = units[largest + 1]
  const whole = Math.floor(ms / factor)
  const rest = next === undefined ? 0 : Math.floor((ms - whole * factor) / next[1])
  return rest === 0 || next === undefined ? `${whole}${name}` : `${whole}${name} ${rest}${next[0]}`
}
