/** One client on a miss, from an origin as fast as it goes, and hits of the same body: time, memory, CPU. */
import { cpuSeconds, get, median, peakMemory, report } from './measure.js'
import { startKiss } from './server.js'
import { Throttled } from './throttled.js'

const MiB = 1024 * 1024

async function measure(length: number): Promise<void> {
  const origin = await Throttled.start({ length, rate: Infinity })
  const direct: number[] = []
  const missed: number[] = []
  const hits: number[] = []
  let memory = 0
  let cpu = 0
  for (let run = 0; run < 3; run++) {
    direct.push((await get(origin.url)).done)
    const kiss = await startKiss()
    const before = cpuSeconds(kiss.pid)
    missed.push((await get(kiss.fetchUrl(origin.url))).done)
    cpu = cpuSeconds(kiss.pid) - before
    hits.push((await get(kiss.fetchUrl(origin.url))).done)
    memory = Math.max(memory, peakMemory(kiss.pid))
    await kiss.stop()
  }
  report(`miss of ${length / MiB} MiB, medians of three`, {
    'direct, s': median(direct) / 1000,
    'miss / direct': median(missed) / median(direct),
    'hit / direct': median(hits) / median(direct),
    'CPU seconds of the miss': cpu,
    'peak memory, MiB': memory,
  })
  origin.stop()
}

for (const length of [64 * MiB, 256 * MiB, 1024 * MiB]) await measure(length)
