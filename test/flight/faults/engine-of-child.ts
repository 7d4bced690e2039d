/** The engine of a process that a test started; its cache directory and lease times are the arguments. */

import { openEngine } from '#kiss/engine/open.js'
import type { Engine } from '#kiss/engine/types.js'
import { HastyClock } from '../../support/engine.js'

export function testEngine(): Promise<Engine> {
  const [cacheDir = '', heartbeat = '', silence = ''] = process.argv.slice(2)
  return openEngine({
    cacheDir,
    clock: new HastyClock(),
    upstream: { guard: false, env: {} },
    leaseTimes: heartbeat === '' ? {} : { heartbeat: Number(heartbeat), silence: Number(silence) },
    warn: () => undefined,
  })
}
