/**
 * The herd on a miss: 50 clients at the same instant want 200 MiB from an origin that sends 50 MiB a second; then one that
 * comes two seconds late; then ten `kiss fetch` processes at once on one empty cache directory.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Sandbox } from '../support/cli.js'
import { cpuSeconds, get, median, peakMemory, report } from './measure.js'
import { startKiss } from './server.js'
import { Throttled } from './throttled.js'

const MiB = 1024 * 1024
const LENGTH = 200 * MiB
const RATE = 50 * MiB

async function direct(): Promise<number> {
  const origin = await Throttled.start({ length: LENGTH, rate: RATE })
  const { done } = await get(origin.url)
  origin.stop()
  return done
}

async function herd(alone: number): Promise<void> {
  const origin = await Throttled.start({ length: LENGTH, rate: RATE })
  const kiss = await startKiss()
  const began = Date.now()
  const clients = await Promise.all(Array.from({ length: 50 }, () => get(kiss.fetchUrl(origin.url))))
  const counted = await origin.counted()
  const originFirst = counted.begun - began
  const firsts = clients.map((client) => client.first - originFirst)
  const dones = clients.map((client) => client.done)
  report('herd: 50 clients, 200 MiB at 50 MiB/s', {
    'origin GETs': counted.gets,
    'origin bytes / artifact': counted.sent / LENGTH,
    'wrong lengths': clients.filter((client) => client.bytes !== LENGTH).length,
    'first byte after the origin’s, median, ms': median(firsts),
    'first byte after the origin’s, slowest, ms': Math.max(...firsts),
    'direct download, s': alone / 1000,
    'done, median / direct': median(dones) / alone,
    'done, slowest / direct': Math.max(...dones) / alone,
    'peak memory, MiB': peakMemory(kiss.pid),
    'CPU seconds': cpuSeconds(kiss.pid),
  })
  await kiss.stop()
  origin.stop()
}

async function lateJoiner(): Promise<void> {
  const origin = await Throttled.start({ length: LENGTH, rate: RATE })
  const kiss = await startKiss()
  const first = get(kiss.fetchUrl(origin.url))
  await sleep(2000)
  const { sent } = await origin.counted()
  const late = await get(kiss.fetchUrl(origin.url))
  await first
  report('late joiner: 2 s after the first', {
    'sent by the origin when it came, MiB': sent / MiB,
    'first byte, ms': late.first,
    'after 0.3 s, MiB': late.after(300) / MiB,
    'after 0.5 s, MiB': late.after(500) / MiB,
  })
  await kiss.stop()
  origin.stop()
}

async function tenFetches(alone: number): Promise<void> {
  const origin = await Throttled.start({ length: LENGTH, rate: RATE })
  const sandbox = new Sandbox()
  const began = performance.now()
  const dones = await Promise.all(
    Array.from({ length: 10 }, async (_, n) => {
      const ran = await sandbox.run(['fetch', '--no-progress', '-o', `out-${n}`, origin.url])
      if (ran.code !== 0) throw new Error(ran.stderr)
      return performance.now() - began
    }),
  )
  const counted = await origin.counted()
  report('ten kiss fetch at once', {
    'origin GETs': counted.gets,
    'origin bytes / artifact': counted.sent / LENGTH,
    'done, median / direct': median(dones) / alone,
    'done, slowest / direct': Math.max(...dones) / alone,
  })
  sandbox.remove()
  origin.stop()
}

const alone = await direct()
await herd(alone)
await lateJoiner()
await tenFetches(alone)
