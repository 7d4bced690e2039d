/** Hits at one server without a cluster, and at three nodes behind HAProxy. Every node has one of the three artifacts. */
import { get } from '../../server/support/client.js'
import type { Artifacts } from '../artifacts.js'
import type { Client, Load } from '../client.js'
import { cpuSeconds, family } from '../measure.js'
import type { Row } from '../table.js'

const KiB = 1024
const MiB = 1024 * KiB

export interface Subject {
  readonly fetchUrl: (url: string) => string
  /** URLs of the servers themselves, with a final `/`. */
  readonly servers: readonly string[]
  readonly serverPids: readonly number[]
  readonly haproxyPid?: number
}

export interface HitsOptions {
  readonly origin: Artifacts
  readonly client: Client
  readonly seconds: number
}

export interface Work {
  readonly name: string
  readonly size: number
  /** For each of the three artifacts. */
  readonly connections: number
}

export const works: readonly Work[] = [
  { name: '4 KiB', size: 4 * KiB, connections: 20 },
  { name: '100 MiB', size: 100 * MiB, connections: 3 },
]

const isSmall = ({ size }: Work): boolean => size < MiB

export const rows: readonly Row[] = works.flatMap((work): readonly Row[] => {
  const { name, connections } = work
  const what = `hits of ${name}, ${3 * connections} connections`
  const unit = isSmall(work) ? 'µs a request' : 's a GB'
  return [
    { id: name, what, unit: isSmall(work) ? 'requests/s' : 'GB/s', better: 'more' },
    { id: `${name}.p99`, what: `${what}: p99`, unit: 'ms', better: 'less' },
    { id: `${name}.nodes`, what: `${what}: CPU of the servers`, unit, better: 'less' },
    { id: `${name}.haproxy`, what: `${what}: CPU of HAProxy`, unit, better: undefined },
    { id: `${name}.client`, what: `${what}: the client’s use of one core`, unit: '', better: undefined },
  ]
})

/** By the id of a row. */
export async function measureHits(
  subject: Subject,
  work: Work,
  { origin, client, seconds }: HitsOptions,
): Promise<Readonly<Record<string, number>>> {
  const { name, connections } = work
  const urls = await spread(subject, client, (n) => origin.url(origin.path(work.size, 0, `hit-${n}`)))
  const cpu = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const servers = subject.serverPids.flatMap(family)
  const haproxy = subject.haproxyPid === undefined ? [] : [subject.haproxyPid]
  const before = { servers: cpu(servers), haproxy: cpu(haproxy) }
  const loads = await Promise.all(urls.map((url) => client.load(url, { connections, seconds })))
  const used = { servers: cpu(servers) - before.servers, haproxy: cpu(haproxy) - before.haproxy }
  const sum = (value: (load: Load) => number): number => loads.reduce((total, load) => total + value(load), 0)
  const elapsed = Math.max(...loads.map((load) => load.seconds))
  const amount = isSmall(work) ? sum(({ requests }) => requests) : sum(({ bytes }) => bytes) / 1e9
  const unit = isSmall(work) ? 1e6 : 1
  return {
    [name]: amount / elapsed,
    [`${name}.p99`]: Math.max(...loads.map(({ done }) => done.p99)),
    [`${name}.nodes`]: (used.servers * unit) / amount,
    ...(haproxy.length > 0 && { [`${name}.haproxy`]: (used.haproxy * unit) / amount }),
    [`${name}.client`]: sum((load) => load.cpu) / elapsed,
  }
}

/** Fetch URLs of three stored artifacts. Behind HAProxy each of them belongs to another node. */
async function spread(
  { fetchUrl, servers }: Subject,
  client: Client,
  artifact: (n: number) => string,
): Promise<readonly string[]> {
  const found = new Map<number, string>()
  for (let n = 0; found.size < 3; n++) {
    const url = fetchUrl(artifact(n))
    const before = await Promise.all(servers.map(requestsOf))
    await client.load(url, { requests: 2 })
    const after = await Promise.all(servers.map(requestsOf))
    const server = after.findIndex((count, i) => count > before[i]!)
    found.set(servers.length === 1 ? n : server, url)
  }
  return [...found.values()]
}

async function requestsOf(server: string): Promise<number> {
  const { text } = await get(`${server}metrics`)
  return [...text.matchAll(/^kiss_requests_total\{[^}]*\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
}
