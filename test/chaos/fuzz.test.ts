import assert from 'node:assert/strict'
import { faultsOf, fuzzServer } from '../support/fuzz/run.js'

/** Fixed, so that a failure can be repeated; `npm run fuzz` is the whole of it. */
const seed = Number(process.env['KISS_FUZZ_SEED'] ?? 20_261_123)
const inputs = 1500

describe(`requests of strangers, seed ${seed}`, () => {
  it('make no answer of status 500, no crash, no hang and no connection to a forbidden address', async () => {
    const figures = await fuzzServer(seed, inputs)
    assert.deepEqual(faultsOf(figures), [])
    // It was no idle talk: many reached the origin, many were refused, and all ways to end are there.
    assert.ok(figures.originRequests > inputs / 20, String(figures.originRequests))
    for (const status of ['200', '206', '400', '403', '404', '405', '502', '508'])
      assert.ok((figures.statuses[status] ?? 0) > 0, `${status}: ${JSON.stringify(figures.statuses)}`)
  })
})
