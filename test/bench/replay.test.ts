import assert from 'node:assert/strict'
import { plot } from './replay/plot.js'
import { traceOf } from './replay/trace.js'

const options = { seed: 1, builds: 40, seconds: 20, scale: 0.01 }

describe('the trace of a day in a lab', () => {
  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(traceOf(options), traceOf(options))
    assert.notDeepEqual(traceOf(options).boards, traceOf({ ...options, seed: 2 }).boards)
  })

  it('has boards in order of time, changes of moving names, and failures at the origin', () => {
    const { boards, changes } = traceOf({ ...options, builds: 200 })
    const times = boards.map(({ at }) => at)
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    )
    const names = new Set(boards.flatMap(({ artifacts }) => artifacts.map(({ name }) => name)))
    assert.ok(changes.length > 0 && changes.every(({ name }) => names.has(name)))
    for (const kind of ['busy-', 'cut-'])
      assert.ok(
        [...names].some((name) => name.startsWith(kind)),
        kind,
      )
  })

  it('counts every version that a board asks for once as distinct', () => {
    const { boards, changes, served, distinct } = traceOf({ ...options, builds: 1 })
    assert.equal(changes.length, 1)
    // All boards ask after the change, so that there is one version of each artifact.
    const [first] = boards
    assert.equal(
      distinct,
      first!.artifacts.reduce((sum, { length }) => sum + length, 0),
    )
    assert.equal(served, boards.length * distinct)
  })
})

describe('the plot of a replay', () => {
  it('draws a bar for every server and the line of the trace, and escapes names', () => {
    const svg = plot(
      'ratio',
      [
        { name: 'a<b', value: 2 },
        { name: 'kiss', value: 4 },
      ],
      5,
    )
    assert.equal(svg.match(/<rect x=/g)?.length, 2)
    assert.ok(svg.includes('a&lt;b') && svg.includes('the trace allows 5.0'))
  })
})
