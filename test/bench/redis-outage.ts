/**
 * What clients notice when Redis fails: the time of hits, and of the first miss, of a node whose Redis is there, killed, frozen,
 * flushed and restarted with an empty memory. Prints a table.
 */
import { performance } from 'node:perf_hooks'
import { get } from '../server/support/client.js'
import { TestCluster } from '../support/cluster.js'
import { bytes, Origin } from '../support/origin.js'
import { until } from '../support/until.js'

const HITS = 300
const SIZE = 20_000

async function timed(url: string): Promise<number> {
  const began = performance.now()
  const { status } = await get(url)
  if (status !== 200) throw new Error(`status ${status}`)
  return performance.now() - began
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN
}

const origin = await Origin.start()
const cluster = await TestCluster.start()
const { redis, nodes } = cluster
let n = 0
const artifact = (): string => {
  const path = `/${++n}`
  origin.serve(path, { body: bytes(path, SIZE), etag: `"${path}"` })
  return nodes[0]!.serving.fetchUrl(origin.url(path))
}

async function measure(name: string, hit: string): Promise<void> {
  const first = await timed(artifact())
  const misses: number[] = []
  for (let i = 0; i < 20; i++) misses.push(await timed(artifact()))
  const hits: number[] = []
  for (let i = 0; i < HITS; i++) hits.push(await timed(hit))
  const shown = [first, median(misses), median(hits)].map((ms) => ms.toFixed(1).padStart(9))
  console.log(`${name.padEnd(34)}${shown.join(' ')}`)
}

const isBack = (): Promise<void> =>
  until('every node is known', async () => (await redis.command('KEYS *')).split(':node:').length > nodes.length)

try {
  const hit = artifact()
  await timed(hit)
  await isBack()
  console.log(`${'milliseconds'.padEnd(34)}${['first miss', 'miss', 'hit'].map((name) => name.padStart(10)).join('')}`)
  await measure('Redis is there', hit)
  await redis.kill()
  await measure('Redis is killed', hit)
  await redis.start()
  await isBack()
  redis.freeze()
  await measure('Redis is frozen', hit)
  redis.thaw()
  await isBack()
  await redis.command('FLUSHALL')
  await measure('Redis was flushed', hit)
  await redis.kill()
  await redis.start()
  await measure('Redis was restarted, empty', hit)
} finally {
  await cluster.close()
  await origin.close()
}
