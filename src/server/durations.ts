/** How long requests took, as sums that all workers share: a histogram by route and by how the cache answered. */

import type { Figures } from '../store/figures/figures.js'
import type { ServedAs } from '../store/types.js'
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

/** The names of the sums of a route. */
interface RouteSums {
  /** By class of status. */
  readonly responses: (hundreds: number) => string
  /** By how the cache answered. */
  readonly durations: (cache: ServedAs | 'none') => { readonly buckets: readonly string[]; readonly ms: string }
}

/** Each name is made once: to find a name that was just put together in a Map took 0.2 µs, six times a request. */
const sumsOf = once((route: string): RouteSums => ({
  responses: once((hundreds) => `responses ${route} ${hundreds}xx`),
  durations: once((cache) => {
    const name = `${PREFIX} ${route} ${cache}`
    return { buckets: [...durationBounds.keys(), 'more'].map((bound) => `${name} ${bound}`), ms: `${name} ms` }
  }),
}))

/** A function of few arguments that remembers its results. */
function once<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const value = make(key)
    made.set(key, value)
    return value
  }
}

/** Records one request. The live view is left out, because it lasts as long as its page is open. */
export function noteDuration(figures: Pick<Figures, 'add'>, record: RequestRecord): void {
  const route = routeLabel(record.path)
  const { responses, durations } = sumsOf(route)
  figures.add(responses(Math.floor(record.status / 100)), 1)
  if (route === 'events') return
  const { buckets, ms } = durations(record.as ?? 'none')
  const bound = durationBounds.findIndex((seconds) => record.duration <= seconds * 1000)
  figures.add(buckets.at(bound) ?? '', 1)
  figures.add(ms, record.duration)
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
