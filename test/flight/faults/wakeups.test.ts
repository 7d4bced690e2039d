import assert from 'node:assert/strict'
import { faultLab, smallRanges } from './lab.js'
import { runWakeups } from './wakeups.js'

describe('faults: lost wake-ups', () => {
  const lab = faultLab()

  it('two hundred small downloads end in every engine, whose writer stops and starts at random', async function () {
    this.timeout(120_000)
    const cacheDir = await lab.folder()
    const { followed, stops, wrong } = await runWakeups({
      origin: lab.origin,
      cacheDir,
      seed: 1,
      count: 200,
      parallel: 8,
    })
    assert.deepEqual(wrong, [])
    assert.ok(followed > 50 && stops > 10, `${followed} were followed, ${stops} stops`)
  })

  it('a hundred downloads by ranges in parallel end in every engine, whose writer stops and starts at random', async function () {
    this.timeout(120_000)
    const largest = 400_000
    const { wrong } = await runWakeups({
      origin: lab.origin,
      cacheDir: await lab.folder(),
      seed: 2,
      count: 100,
      parallel: 4,
      largest,
      ranges: smallRanges(largest / 2),
    })
    assert.deepEqual(wrong, [])
    assert.ok(lab.segmentsAsked() > 0)
  })
})
