/** How long requests took, as sums that all workers share: a histogram by route and by how the cache answered. */

import type { Figures } from '../store/figures/figures.js'
import type { RequestRecord } from './request-log.js'

/** Upper bounds in seconds; from a hit on the same machine to a root file system over a slow line. */
export const durationBounds = [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1800] as const

const paths: readonly (readonly [route: string, path: RegExp])[] = [
  ['fetch', /^\/api\/v1\/fetch(?:\/|$)/],
  ['status', /^\/api\/v1\/status\/?$/],
  ['health', /^\/api\/v1\/health\/?$/],
  ['metrics', /^\/metrics$/],
  ['events', /^\/events$/],
  ['page', /^\/(?:$|statistics|resources|nodes|help|assets|sign-in)/],
]

/** One of a few names, for any path. Pure. */
export function routeLabel(path: string): string {
  return paths.find(([, pattern]) => pattern.test(path))?.[0] ?? 'other'
}

export interface DurationLabels {
  readonly route: string
  readonly cache: string
}

/** Buckets, sum and count of one pair of labels. */
export interface Histogram {
  readonly labels: DurationLabels
  /** Requests by upper bound; cumulative. */
  readonly buckets: readonly number[]
  /** Seconds. */
  readonly sum: number
  readonly count: number
}

const PREFIX = 'duration'

/** Records one request. */
export function noteDuration(figures: Pick<Figures, 'add'>, record: RequestRecord): void {
  durationNotes(figures, record)(record.duration)
}

/**
 * Returns a function that records a request like this one, given its duration. The names of its sums are made once. The live
 * view has no duration, because it lasts as long as its page is open.
 */
export function durationNotes(
  figures: Pick<Figures, 'add'>,
  { path, status, as }: RequestRecord,
): (duration: number) => void {
  const route = routeLabel(path)
  const responses = `responses ${route} ${Math.floor(status / 100)}xx`
  if (route === 'events') return () => figures.add(responses, 1)
  const name = `${PREFIX} ${route} ${as ?? 'none'}`
  const [ms, more] = [`${name} ms`, `${name} more`]
  const buckets = durationBounds.map((_, bound) => `${name} ${bound}`)
  return (duration) => {
    figures.add(responses, 1)
    figures.add(buckets[durationBounds.findIndex((seconds) => duration <= seconds * 1000)] ?? more, 1)
    figures.add(ms, duration)
  }
}

/** Pure. */
export function histogramsOf(sums: ReadonlyMap<string, number>): Histogram[] {
  const names = [...sums.keys()].filter((name) => name.startsWith(`${PREFIX} `))
  const pairs = new Set(names.map((name) => name.slice(0, name.lastIndexOf(' '))))
  return [...pairs].sort().map((pair) => {
    const [, route = '', cache = ''] = pair.split(' ')
    const sum = (what: string | number): number => sums.get(`${pair} ${what}`) ?? 0
    let below = 0
    const buckets = durationBounds.map((_, bound) => (below += sum(bound)))
    return { labels: { route, cache }, buckets, sum: sum('ms') / 1000, count: below + sum('more') }
  })
}

/** Answers by route and class of status. Pure. */
export function responsesOf(sums: ReadonlyMap<string, number>): { route: string; code: string; count: number }[] {
  return [...sums].sort().flatMap(([name, count]) => {
    const [what, route = '', code = ''] = name.split(' ')
    return what === 'responses' ? [{ route, code, count }] : []
  })
}
