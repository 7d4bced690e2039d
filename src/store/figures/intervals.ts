/** The amounts of each interval of a span, from the counters at its ends. Pure. */

export const spanNames = ['hour', 'day', 'month'] as const
export type SpanName = (typeof spanNames)[number]

export interface Span {
  /** Milliseconds between two samples. */
  readonly step: number
  /** Milliseconds that samples are kept. */
  readonly length: number
}

const SECOND = 1000
const HOUR = 3_600 * SECOND

/** The finer, the shorter: 360, 288 and 248 samples at most. */
export const spans: Readonly<Record<SpanName, Span>> = {
  hour: { step: 10 * SECOND, length: HOUR },
  day: { step: 300 * SECOND, length: 24 * HOUR },
  month: { step: 3 * HOUR, length: 31 * 24 * HOUR },
}

/** The figures that are kept of the counters. */
export const figureNames = [
  'downloaded',
  'served',
  'served_hit',
  'served_collapsed',
  'served_miss',
  'served_revalidated',
  'served_stale',
  'answered',
  'hits',
] as const
export type FigureName = (typeof figureNames)[number]
export type Amounts = Readonly<Record<FigureName, number>>

/** The counters at one time. */
export interface Sample extends Amounts {
  /** Milliseconds since the epoch, a multiple of the span's step. */
  readonly at: number
}

/** From `at` for one step: bytes downloaded and served (in all and by kind), requests answered, and those without a download. */
export interface Interval {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** undefined: no process took samples yet. */
  readonly amounts: Amounts | undefined
}

/**
 * The whole intervals of the span that ends at `now`, oldest first. The amounts between two distant samples (no server was
 * running) are spread evenly.
 * @param samples in order of time
 */
export function intervalsOf(samples: readonly Sample[], { step, length }: Span, now: number): Interval[] {
  const end = Math.floor(now / step) * step
  const amounts = new Map<number, Amounts>()
  samples.forEach((sample, i) => {
    const before = samples[i - 1]
    if (before === undefined) return
    const steps = (sample.at - before.at) / step
    const share = differenceOf(before, sample, steps)
    for (let at = before.at; at < sample.at; at += step) amounts.set(at, share)
  })
  return Array.from({ length: length / step }, (_, i) => {
    const at = end - length + i * step
    return { at, amounts: amounts.get(at) }
  })
}

function differenceOf(before: Sample, after: Sample, steps: number): Amounts {
  const difference = (name: FigureName): number => {
    const grown = after[name] - before[name]
    // The index was lost, and the counters began anew.
    return (grown < 0 ? after[name] : grown) / steps
  }
  return Object.fromEntries(figureNames.map((name) => [name, difference(name)])) as Record<FigureName, number>
}

/** Sums over all intervals of which something is known. */
export function totalOf(intervals: readonly Interval[]): Amounts {
  const sum = (name: FigureName): number => intervals.reduce((n, { amounts }) => n + (amounts?.[name] ?? 0), 0)
  return Object.fromEntries(figureNames.map((name) => [name, sum(name)])) as Record<FigureName, number>
}
