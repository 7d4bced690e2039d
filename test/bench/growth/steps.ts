/** What grows: entries, readers, the size of an artifact, transfers at once. Each step is one server on a new directory. */
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore } from '#kiss/store/open.js'
import type { Artifacts } from '../artifacts.js'
import type { Client } from '../client.js'
import { median } from '../measure.js'
import { plant } from './entries.js'
import { serve, timed } from './server.js'

export interface Surroundings {
  /** Empty, for all files of the step. */
  readonly directory: string
  readonly origin: Artifacts
  readonly client: Client
}

export interface Growth {
  readonly id: string
  readonly title: string
  readonly x: string
  readonly steps: readonly number[]
  readonly label: (step: number) => string
  /** By the name of the figure, whose unit stands in it. */
  measure(step: number, at: Surroundings): Promise<Readonly<Record<string, number>>>
  /** Figures that the plot shows. */
  readonly plotted: readonly string[]
}

const MiB = 1024 * 1024
/** Hits that are timed: each is the first of its entry. */
const SAMPLE = 200
const EVICTED = 1_000

const entries: Growth = {
  id: 'entries',
  title: 'Entries in the cache',
  x: 'entries',
  steps: [100, 10_000, 100_000, 1_000_000],
  label: short,
  plotted: ['kiss list, s', 'eviction of 1,000, s', 'start-up, s'],
  async measure(count, { directory, origin }) {
    const path = origin.path(4096, 0, 'hit')
    const first = await serve(directory)
    await drained(first.url(origin.url(path)))
    await sleep(1_500)
    await first.stop()
    const urls = Array.from({ length: SAMPLE }, (_, n) => origin.url(origin.path(4096, 0, `planted-${n}`)))
    await plant(first.cacheDir, urls, count)
    const server = await serve(directory)
    const memory = server.memory()
    const hits: number[] = []
    for (const url of urls) hits.push(await drained(server.url(url)))
    const page = await drained(`${server.base}resources/successes/`)
    const status = await drained(`${server.base}api/v1/status/`)
    await server.stop()
    const list = timed(['list', '--json', '--cache-dir', server.cacheDir])
    return {
      'start-up, s': server.startUp / 1000,
      'memory after the start, MiB': memory,
      'first hit of an entry, median, ms': median(hits),
      'first hit of an entry, slowest, ms': Math.max(...hits),
      'page of entries, ms': page,
      'status, ms': status,
      'kiss list, s': list,
      ...(count > EVICTED && { 'eviction of 1,000, s': await eviction(server.cacheDir) }),
    }
  },
}

async function eviction(cacheDir: string): Promise<number> {
  const store = await openStore({ cacheDir, clock: Date, warn: () => undefined })
  const began = performance.now()
  await store.space.evict(EVICTED * 4096)
  const seconds = (performance.now() - began) / 1000
  await store.close()
  return seconds
}

/** An artifact that takes 4 s from its origin. */
const [BODY, RATE] = [MiB, MiB / 4]

const readers: Growth = {
  id: 'readers',
  title: 'Readers of one download (1 MiB in 4 s)',
  x: 'readers at once',
  steps: [10, 100, 1_000, 5_000],
  label: short,
  plotted: ['slowest first byte, s', 'slowest done, s'],
  async measure(connections, { directory, origin, client }) {
    const server = await serve(directory)
    const before = server.cpu()
    const url = server.url(origin.url(origin.path(BODY, RATE, 'readers')))
    const { first, done } = await client.load(url, { connections, requests: connections })
    const cpu = server.cpu() - before
    const peak = server.peak()
    await server.stop()
    return {
      'slowest first byte, s': first.max / 1000,
      'slowest done, s': done.max / 1000,
      'CPU of a reader, ms': (cpu / connections) * 1000,
      'peak memory, MiB': peak,
    }
  },
}

const sizes: Growth = {
  id: 'sizes',
  title: 'Size of an artifact',
  x: 'size',
  steps: [1, 32, 1024, 10_240],
  label: (step) => (step < 1024 ? `${step} MiB` : `${step / 1024} GiB`),
  plotted: ['a miss, s for each GiB', 'a hit, s for each GiB'],
  async measure(mebibytes, { directory, origin, client }) {
    const server = await serve(directory)
    const url = server.url(origin.url(origin.path(mebibytes * MiB, 0, 'large')))
    const gibibytes = mebibytes / 1024
    const before = server.cpu()
    const miss = await client.load(url, { requests: 1 })
    const cpu = server.cpu() - before
    const hit = await client.load(url, { requests: mebibytes < 1024 ? 5 : 1 })
    const peak = server.peak()
    await server.stop()
    return {
      'a miss, s for each GiB': miss.seconds / gibibytes,
      'a miss, CPU seconds for each GiB': cpu / gibibytes,
      'a hit, s for each GiB': hit.done.median / 1000 / gibibytes,
      'peak memory, MiB': peak,
    }
  },
}

const transfers: Growth = {
  id: 'transfers',
  title: 'Downloads at once (1 MiB in 4 s each)',
  x: 'downloads',
  steps: [1, 10, 100, 500],
  label: short,
  plotted: ['slowest done, s', 'slowest first byte, s'],
  async measure(count, { directory, origin }) {
    const all = String(count)
    const server = await serve(directory, ['--max-downloads', all, '--max-downloads-per-host', all])
    const before = server.cpu()
    const firsts: number[] = []
    const times = await Promise.all(
      Array.from({ length: count }, (_, n) =>
        drained(server.url(origin.url(origin.path(BODY, RATE, `transfer-${n}`))), (ms) => firsts.push(ms)),
      ),
    )
    const cpu = server.cpu() - before
    const peak = server.peak()
    await server.stop()
    return {
      'slowest first byte, s': Math.max(...firsts) / 1000,
      'slowest done, s': Math.max(...times) / 1000,
      'CPU of a download, ms': (cpu / count) * 1000,
      'peak memory, MiB': peak,
    }
  },
}

export const growths: readonly Growth[] = [entries, readers, sizes, transfers]

function short(step: number): string {
  return step >= 1_000_000 ? `${step / 1_000_000}M` : step >= 1_000 ? `${step / 1_000}k` : String(step)
}

/** Milliseconds until the whole answer is there. @throws Error where it is not the whole with status 200 */
async function drained(url: string, first: (ms: number) => void = () => undefined): Promise<number> {
  const began = performance.now()
  const response = await fetch(url, { headers: { 'accept-encoding': 'identity' } })
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    if (bytes === 0) first(performance.now() - began)
    bytes += (chunk as Uint8Array).length
  }
  const length = response.headers.get('content-length')
  if (response.status !== 200 || (length !== null && Number(length) !== bytes)) {
    throw new Error(`${url}: ${response.status}, ${bytes} bytes of ${length}`)
  }
  return performance.now() - began
}
