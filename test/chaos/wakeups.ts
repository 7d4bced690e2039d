/**
 * Ten thousand small followed downloads whose writer stops and starts at random: `node test/dist/chaos/wakeups.js [seed
 * [count]]`. Exits with 1 when one hangs or is wrong.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runWakeups } from '../flight/faults/wakeups.js'
import { Origin } from '../support/origin.js'

const [seed = '1', count = '10000'] = process.argv.slice(2)
const origin = await Origin.start()
const cacheDir = await mkdtemp(join(tmpdir(), 'kiss-wakeups-'))
const started = performance.now()
try {
  const { followed, stops, wrong } = await runWakeups({
    origin,
    cacheDir,
    seed: Number(seed),
    count: Number(count),
    parallel: 8,
    onDone: (done) => {
      if (done % 1000 === 0) process.stderr.write(`${done} downloads\n`)
    },
  })
  const seconds = Math.round((performance.now() - started) / 1000)
  process.stdout.write(
    `${JSON.stringify({ seed: Number(seed), downloads: Number(count), followed, stops, wrong, seconds })}\n`,
  )
  process.exitCode = wrong.length === 0 ? 0 : 1
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exit(1)
} finally {
  await origin.close()
  await rm(cacheDir, { recursive: true, force: true })
}
