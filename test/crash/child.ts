/** The process that dies: fetches one URL through a cache directory, and prints the sum of what it got. */
import { openEngine } from '#kiss/engine/open.js'
import { sha256 } from '../support/bytes.js'
import { fetchAll, HastyClock } from '../support/engine.js'
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
