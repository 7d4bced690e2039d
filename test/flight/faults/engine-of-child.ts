/** The engine of a process that a test started; its cache directory and its options are the arguments. */

import { openEngine } from '#kiss/engine/open.js'
import type { Engine, EngineOptions } from '#kiss/engine/types.js'
import { HastyClock } from '../../support/engine.js'

export function testEngine(): Promise<Engine> {
  const [cacheDir = '', options = '{}'] = process.argv.slice(2)
  return openEngine({
    cacheDir,
    clock: new HastyClock(),
    upstream: { guard: false, env: {} },
    warn: () => undefined,
    ...(JSON.parse(options) as Partial<EngineOptions>),
  })
}
