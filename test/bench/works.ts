/** What is measured of each server. Each work asks for artifacts of its own, so that none finds what another left. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Artifacts } from './artifacts.js'
import type { Client, LoadOptions } from './client.js'
import { cpuSeconds, family, median, peakMemory, resetPeak } from './measure.js'
import type { Started } from './subjects/subject.js'
import type { Row } from './table.js'

const KiB = 1024
const MiB = 1024 * KiB

export interface Bench {
  readonly server: Started
  readonly origin: Artifacts
  readonly client: Client
  /** Seconds of a load that is measured by time. */
  readonly seconds: number
  /** Multiplies large sizes; 1 but in a quick trial. */
  readonly scale: number
}

/** By the id of a row. */
export type Figures = Readonly<Record<string, number>>

export interface Work {
  readonly id: string
  readonly rows: readonly Row[]
  /** Names of the servers that can do it; default all that cache. */
  readonly also?: readonly string[]
  measure(bench: Bench): Promise<Figures>
}

/** CPU seconds of the server's processes while `work` runs, beside its result. */
async function withCpu<T>({ server }: Bench, work: () => Promise<T>): Promise<{ result: T; cpu: number }> {
  const used = (): number => server.pids.flatMap(family).reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const before = used()
  const result = await work()
  return { result, cpu: used() - before }
}

function beginPeaks({ server }: Bench): void {
  server.pids.flatMap(family).forEach(resetPeak)
}

/** MiB, since {@link beginPeaks}. */
function largest({ server }: Bench): number {
  return Math.max(0, ...server.pids.flatMap(family).map(peakMemory))
}

const RATE = 10 * MiB

const herd: Work = {
  id: 'herd',
  also: ['direct'],
  rows: [
    {
      id: 'herd.first',
      what: 'herd on a server that has just started: 50 clients, 40 MiB at 10 MiB/s; slowest first byte',
      unit: 'ms',
      better: 'less',
    },
    { id: 'herd.done', what: 'herd: slowest done', unit: 's', better: 'less' },
    { id: 'herd.gets', what: 'herd: origin GETs', unit: '', better: 'less' },
    { id: 'herd.cpu', what: 'herd: CPU seconds', unit: 's', better: 'less' },
    { id: 'herd.memory', what: 'herd: peak memory of the largest process', unit: 'MiB', better: 'less' },
  ],
  async measure(bench) {
    const { server, origin, client, scale } = bench
    const path = origin.path(40 * MiB * scale, RATE, 'herd')
    const before = await origin.counted()
    const connections = server.pids.length === 0 ? 1 : 50
    beginPeaks(bench)
    const { result, cpu } = await withCpu(bench, () =>
      client.load(server.url(path), { connections, requests: connections }),
    )
    const gets = (await origin.counted()).gets - before.gets
    const figures = { 'herd.first': result.first.max, 'herd.done': result.done.max / 1000, 'herd.gets': gets }
    return server.pids.length === 0 ? figures : { ...figures, 'herd.cpu': cpu, 'herd.memory': largest(bench) }
  },
}

/** The first requests of a process cost the most in a language that is compiled while it runs. */
const warmHerd: Work = {
  id: 'herd.warm',
  rows: [
    {
      id: 'herd.warm',
      what: 'herd on a server that has answered 20 misses: 50 clients; slowest first byte',
      unit: 'ms',
      better: 'less',
    },
  ],
  async measure({ server, origin, client, scale }) {
    for (let n = 0; n < 20; n++) {
      await client.load(server.url(origin.path(4 * KiB, 0, `herd-before-${n}`)), { requests: 1 })
    }
    const path = origin.path(10 * MiB * scale, RATE, 'herd-warm')
    const { first: times } = await client.load(server.url(path), { connections: 50, requests: 50 })
    return { 'herd.warm': times.max }
  },
}

/** Milliseconds that a late joiner gets for the bytes that had arrived before it. */
const MARK = 300

const late: Work = {
  id: 'late',
  rows: [
    { id: 'late.first', what: 'late joiner, 2 s after the first: first byte', unit: 'ms', better: 'less' },
    { id: 'late.caught', what: `late joiner: share of what had arrived after ${MARK} ms`, unit: '', better: 'more' },
  ],
  async measure({ server, origin, client, scale }) {
    const path = origin.path(40 * MiB, RATE, 'late')
    const ahead = 2 * Math.max(scale, 0.1)
    const before = await origin.counted()
    const first = client.load(server.url(path), { requests: 1 })
    await sleep(ahead * 1000)
    const arrived = (await origin.counted()).bytes - before.bytes
    const { first: times, early } = await client.load(server.url(path), { requests: 1, mark: MARK })
    await first
    return { 'late.first': times.max, 'late.caught': Math.min(1, early / Math.max(1, arrived)) }
  },
}

const first: Work = {
  id: 'first',
  also: ['direct'],
  rows: [{ id: 'first', what: 'first byte of a miss of 4 KiB, median of 20', unit: 'ms', better: 'less' }],
  async measure({ server, origin, client }) {
    const times: number[] = []
    for (let n = 0; n < 20; n++) {
      const path = origin.path(4 * KiB, 0, `first-${n}`)
      times.push((await client.load(server.url(path), { requests: 1 })).first.max)
    }
    return { first: median(times) }
  },
}

/** Of 1 GiB; the body is there afterwards. */
const large = (origin: Artifacts, scale: number): string => origin.path(1024 * MiB * scale, 0, 'large')

const miss: Work = {
  id: 'miss',
  also: ['direct'],
  rows: [
    { id: 'miss', what: 'a miss of 1 GiB', unit: 's', better: 'less' },
    { id: 'miss.cpu', what: 'a miss of 1 GiB: CPU seconds', unit: 's', better: 'less' },
  ],
  async measure(bench) {
    const { server, origin, client, scale } = bench
    const { result, cpu } = await withCpu(bench, () => client.load(server.url(large(origin, scale)), { requests: 1 }))
    return { miss: result.seconds, ...(server.pids.length > 0 && { 'miss.cpu': cpu }) }
  },
}

const range: Work = {
  id: 'range',
  rows: [{ id: 'range', what: 'hit: the last MiB of 1 GiB, median of 20', unit: 'ms', better: 'less' }],
  async measure({ server, origin, client, scale }) {
    const url = server.url(large(origin, scale))
    await client.load(url, { requests: 1 })
    const headers = [`Range: bytes=-${MiB}`]
    return { range: (await client.load(url, { requests: 20, headers })).done.median }
  },
}

interface Hits {
  readonly size: number
  readonly name: string
  readonly connections: number
}

/** Hits: requests per second for what is small, bytes per second for what is large. */
function hits({ size, name, connections }: Hits): Work {
  const id = `hits.${name.replace(' ', '').replace('iB', '')}.${connections}`
  const what = `hits of ${name}, ${connections === 1 ? 'one connection' : `${connections} connections`}`
  const small = size < 64 * KiB
  const rows: readonly Row[] = [
    small ? { id, what, unit: 'requests/s', better: 'more' } : { id, what, unit: 'GB/s', better: 'more' },
    small
      ? { id: `${id}.p99`, what: `${what}: p99`, unit: 'ms', better: 'less' }
      : { id: `${id}.cpu`, what: `${what}: CPU seconds per GB`, unit: 's', better: 'less' },
    { id: `${id}.client`, what: `${what}: the client’s use of one core`, unit: '', better: undefined },
    ...(size === 100 * MiB && connections === 64
      ? [
          {
            id: `${id}.memory`,
            what: `${what}: peak memory of the largest process`,
            unit: 'MiB',
            better: 'less',
          } as const,
        ]
      : []),
  ]
  return {
    id,
    rows,
    also: small ? ['bare node:http'] : [],
    async measure(bench) {
      const { server, origin, client, scale, seconds } = bench
      const url = server.url(origin.path(size < MiB ? size : size * scale, 0, 'hit'))
      // Every process of the server has seen it before the clock starts.
      await client.load(url, { requests: 1 })
      await client.load(url, { connections: 8, requests: 16 })
      const load: LoadOptions = { connections, seconds }
      // The rate of a server whose code is compiled: the same load comes before the clock starts, for all servers.
      if (small) await client.load(url, { connections, seconds: seconds / 2 })
      beginPeaks(bench)
      const { result, cpu } = await withCpu(bench, () => client.load(url, load))
      const gigabytes = result.bytes / 1e9
      return {
        [id]: small ? result.requests / result.seconds : gigabytes / result.seconds,
        ...(small
          ? { [`${id}.p99`]: result.requests > 0 ? result.done.p99 : NaN }
          : { [`${id}.cpu`]: cpu / gigabytes }),
        [`${id}.client`]: result.cpu / result.seconds,
        ...(rows.some((row) => row.id === `${id}.memory`) && { [`${id}.memory`]: largest(bench) }),
      }
    },
  }
}

export const works: readonly Work[] = [
  herd,
  warmHerd,
  late,
  first,
  miss,
  range,
  ...[1, 64, 512].map((connections) => hits({ size: 4 * KiB, name: '4 KiB', connections })),
  hits({ size: 64 * KiB, name: '64 KiB', connections: 64 }),
  hits({ size: MiB, name: '1 MiB', connections: 64 }),
  ...[8, 64].map((connections) => hits({ size: 100 * MiB, name: '100 MiB', connections })),
]
