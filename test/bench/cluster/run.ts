/**
 * `npm run bench:cluster`: three nodes behind HAProxy beside one server, the latency of a miss that a peer fills, the time
 * until a purge is obeyed, and what one core of Redis and of HAProxy carries. Writes docs/cluster.md. `--quick` is a trial, and writes nothing.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { TestCluster } from '../../support/cluster.js'
import { Haproxy } from '../../support/haproxy.js'
import { Artifacts } from '../artifacts.js'
import { Client } from '../client.js'
import { fileSystemOf, machine } from '../machine.js'
import { median } from '../measure.js'
import { writeSection } from '../page.js'
import { kiss } from '../subjects/kiss.js'
import { linesOf, textOf } from '../table.js'
import { capacityOf } from './capacity.js'
import { measureHits, rows as hitRows, works, type Subject } from './hits.js'
import { columns as missColumns, measureMisses, rows as missRows } from './misses.js'
import { columns as purgeColumns, measurePurges, rows as purgeRows } from './purges.js'
import { columns as redisColumns, measureRedis, rows as redisRows } from './redis.js'
import { measureShares } from './shares.js'

const isQuick = process.argv.includes('--quick')
const ROUNDS = isQuick ? 1 : 3
const SECONDS = isQuick ? 1 : 4
const ONE = 'one server'
const THREE = 'three nodes behind HAProxy'
const columns = [
  { name: ONE, peer: true },
  { name: THREE, peer: false },
]

const root = mkdtempSync(path.join(process.env['KISS_BENCH_DIR'] ?? tmpdir(), 'kiss-bench-'))
chmodSync(root, 0o755)
process.env['TMPDIR'] = root
const client = Client.build(root)
const programs = [
  { name: 'Redis', command: ['redis-server', '--version'] },
  { name: 'HAProxy', command: ['haproxy', '-v'] },
]
const description = `${machine(programs)}; files on ${fileSystemOf(root)}; client: ${client.kind}`
const tell = (line: string): void => console.error(line)

const origin = await Artifacts.start()
const directory = path.join(root, 'one')
mkdirSync(directory)
const one = await kiss(1).start(directory, '')
const cluster = await TestCluster.start()
const haproxy = await Haproxy.start(cluster)
try {
  const single = one.url('').replace(/api\/.*$/, '')
  const subjects: Readonly<Record<string, Subject>> = {
    [ONE]: { fetchUrl: (url) => one.url(url), servers: [single], serverPids: one.pids },
    [THREE]: {
      fetchUrl: (url) => haproxy.fetchUrl(url),
      servers: cluster.nodes.map(({ serving }) => serving.url),
      serverPids: cluster.nodes.map(({ serving }) => serving.running.child.pid ?? 0),
      haproxyPid: haproxy.pid ?? 0,
    },
  }
  const hits = new Map(hitRows.map(({ id }) => [id, new Map(columns.map(({ name }) => [name, [] as number[]]))]))
  for (let round = 1; round <= ROUNDS; round++) {
    for (const work of works) {
      for (const [name, subject] of Object.entries(subjects)) {
        tell(`round ${round} of ${ROUNDS}: hits of ${work.name}, ${name}`)
        const figures = await measureHits(subject, work, { origin, client, seconds: SECONDS })
        for (const [id, value] of Object.entries(figures)) hits.get(id)!.get(name)!.push(value)
      }
    }
  }
  tell('misses')
  const nodes = cluster.nodes.map(
    ({ serving }) =>
      (url: string) =>
        serving.fetchUrl(url),
  )
  const misses = await measureMisses({ nodes, alone: (url) => one.url(url), origin, client })
  tell('purges')
  const purges = await measurePurges({ nodes, origin })
  tell('Redis')
  const redis = await measureRedis(cluster.redis, SECONDS)
  tell('the hash of HAProxy')
  const shares = await measureShares([3, 10, 50])

  const hit = (id: string): number => median(hits.get(id)!.get(THREE)!)
  const cpu = (id: string): number => redis.results.get(id)!.get('CPU µs')![0]! / 1e6
  const [small, large] = works.map(({ name }) => name)
  const capacity = capacityOf({
    node: hit(`${large}.nodes`),
    haproxy: hit(`${large}.haproxy`),
    request: hit(`${small}.haproxy`) / 1e6,
    shares,
    redis: {
      miss: cpu('miss'),
      filled: cpu('filled'),
      renewal: cpu('renewals'),
      report: new Map([...shares.keys()].map((count) => [count, cpu(`report.${count}`)])),
    },
    memory: redis.bytes,
  })
  const measured = [
    textOf(linesOf(hitRows, columns, withoutEmpty(hits)), columns),
    textOf(linesOf(missRows, missColumns, misses), missColumns),
    textOf(linesOf(purgeRows, purgeColumns, purges), purgeColumns),
    textOf(linesOf(redisRows, redisColumns, redis.results), redisColumns),
    `Medians of ${ROUNDS} rounds; in brackets the ratio to one server. Machine: ${description}.`,
  ].join('\n\n')
  console.log(`${measured}\n\n${capacity}`)
  if (!isQuick) {
    writeSection('bench', measured, 'cluster.md')
    writeSection('capacity', capacity, 'cluster.md')
  }
} finally {
  await haproxy.close()
  await cluster.close()
  await one.stop()
  origin.stop()
  rmSync(root, { recursive: true, force: true })
}

/** What was measured nowhere in a column is a dash. */
function withoutEmpty(results: Map<string, Map<string, number[]>>): Map<string, Map<string, number[]>> {
  return new Map([...results].map(([id, row]) => [id, new Map([...row].filter(([, values]) => values.length > 0))]))
}
