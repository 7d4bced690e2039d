import assert from 'node:assert/strict'
import { faultLab } from './lab.js'
import { runWakeups } from './wakeups.js'

describe('faults: lost wake-ups', () => {
  const lab = faultLab()

  it('five hundred small downloads end in every engine, whose writer stops and starts at random', async function () {
    this.timeout(120_000)
    const cacheDir = await lab.folder()
    const { followed, stops, wrong } = await runWakeups({
      origin: lab.origin,
      cacheDir,
      seed: 1,
      count: 500,
      parallel: 8,
    })
    assert.deepEqual(wrong, [])
    assert.ok(followed > 100 && stops > 10, `${followed} were followed, ${stops} stops`)
  })
})
