/** The text of a line of progress. Pure: time and widths are parameters. */

import { formatDuration, formatRate, formatSize } from '../units.js'

/** Milliseconds that a rate looks back: short enough to follow a change, long enough not to flicker. */
const WINDOW = 5_000

/** Bytes a second over the last few seconds. */
export class RateMeter {
  readonly #samples: { readonly at: number; readonly bytes: number }[] = []

  /** @param at milliseconds, monotonic @param bytes all that have arrived by then */
  add(at: number, bytes: number): void {
    this.#samples.push({ at, bytes })
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? at) > WINDOW) this.#samples.shift()
  }

  /** undefined until there is something to measure. */
  rate(): number | undefined {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || last.at <= first.at) return undefined
    return (Math.max(0, last.bytes - first.bytes) / (last.at - first.at)) * 1000
  }
}

export interface LineState {
  readonly name: string
  /** Bytes; undefined until the origin has answered. */
  readonly received: number | undefined
  /** Bytes; undefined where the origin does not say. */
  readonly length: number | undefined
  /** Bytes a second. */
  readonly rate: number | undefined
  /** The reason of the wait, where no byte arrives. */
  readonly wait?: string | undefined
  /** Characters of the longest name of all lines; default: of this one. */
  readonly nameWidth?: number
}

/** Characters of the widest texts: `  1023 MiB/s`, `  59m 59s left`, `  1023 MiB of 1023 MiB`. */
const RATE = 12
const LEFT = 14
const SIZES = 24
/** `  1023 MiB` */
const SIZE = 10
const UNKNOWN = ', size unknown'
/** A bar that says anything, its brackets and the blanks behind it. */
const BAR = 12

/**
 * `Image.gz  [=====>    ]  45%  12.3 MiB of 27 MiB  5.1 MiB/s  3s left`. Which parts there are depends on the width alone,
 * each has a place of its own, and so nothing moves while figures come and go. The narrower, the fewer: sizes go first,
 * then the rate.
 */
export function progressLine({ name, received, length, rate, wait, nameWidth }: LineState, columns: number): string {
  const room = columns - 1
  const label = fitted(name, Math.max(8, Math.min(nameWidth ?? name.length, Math.floor(room * 0.35))))
  if (received === undefined) return cut(`${label}  ${wait ?? 'waiting'}`, columns)
  if (wait !== undefined) return cut(`${label}  ${formatSize(received)}, ${wait}`, columns)
  const speed = rate === undefined ? '' : formatRate(rate)
  if (length === undefined) return cut(withoutLength(label, formatSize(received), speed, room), columns)

  const share = length === 0 ? 1 : Math.min(1, received / length)
  const rest = room - label.length - 2 - 4
  const withRate = rest >= LEFT + RATE
  const withSizes = rest >= LEFT + RATE + SIZES + BAR
  const figures = [
    `${String(Math.floor(share * 100)).padStart(3)}%`,
    withSizes ? `  ${formatSize(received)} of ${formatSize(length)}`.padEnd(SIZES) : '',
    withRate ? speed.padStart(RATE) : '',
    rest >= LEFT ? timeLeft(length - received, rate).padStart(LEFT) : '',
  ].join('')
  return cut(`${label}  ${bar(share, room - label.length - 2 - figures.length - 4)}${figures}`.trimEnd(), columns)
}

/** As above: the width alone decides about the words `size unknown` and the rate. */
function withoutLength(label: string, size: string, speed: string, room: number): string {
  const rest = room - label.length - SIZE
  const words = rest >= UNKNOWN.length + RATE ? UNKNOWN : ''
  return `${label}  ${size}${words}${rest >= RATE ? `  ${speed}` : ''}`.trimEnd()
}

export interface TotalState {
  readonly done: number
  readonly total: number
  readonly received: number
  readonly rate: number | undefined
  /** Bytes still to come; undefined while any size is unknown. */
  readonly remaining: number | undefined
}

/** `3 of 12 done  120 MiB  20 MiB/s  3s left`; the narrower, the fewer parts, and again the width alone decides. */
export function totalLine({ done, total, received, rate, remaining }: TotalState, columns: number): string {
  const label = `${done} of ${total} done`
  const rest = columns - 1 - label.length
  const size = rest >= LEFT + RATE + SIZE ? `  ${formatSize(received)}` : ''
  const speed = rest >= LEFT + RATE && rate !== undefined ? `  ${formatRate(rate)}` : ''
  const left = remaining === undefined ? '' : timeLeft(remaining, rate)
  return cut(`${label}${size}${speed}${left}`, columns)
}

function timeLeft(bytes: number, rate: number | undefined): string {
  if (rate === undefined || rate < 1 || bytes <= 0) return ''
  const seconds = Math.ceil(bytes / rate)
  return `  ${formatDuration(seconds * 1000)} left`
}

/** Nothing where there is no room for one that says anything. */
function bar(share: number, width: number): string {
  const inner = Math.min(30, width)
  if (inner < 8) return ''
  const full = Math.round(share * inner)
  return `[${'='.repeat(full)}${' '.repeat(inner - full)}]  `
}

function fitted(name: string, width: number): string {
  return name.length > width ? `…${name.slice(name.length - width + 1)}` : name.padEnd(width)
}

/** One short of the width: a full line would wrap on some terminals. */
function cut(line: string, columns: number): string {
  return line.length < columns ? line : `${line.slice(0, Math.max(0, columns - 2))}…`
}
