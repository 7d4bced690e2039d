/**
 * The process that dies: fetches one URL through a cache directory, and prints the sum of what it got. It loads the bundle,
 * because the modules one by one take another 0.2 s of processor time.
 */
import { openEngine } from 'kiss-cache'
import { sha256 } from '../support/bytes.js'
import { HastyClock } from '../support/clocks.js'
import { fetchAll } from '../support/reading.js'
import { arm } from './fault-points.js'

const [cacheDir = '', url = '', quota] = process.argv.slice(2)
const engine = await openEngine({
  cacheDir,
  syncBodies: true,
  quota: Number(quota),
  clock: new HastyClock(),
  upstream: { guard: false, env: {} },
})
arm()
const { body } = await fetchAll(engine, url, { refresh: true })
await engine.close()
process.stdout.write(sha256(body))
