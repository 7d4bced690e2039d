import assert from 'node:assert/strict'
import { fetchAll, HastyClock, testEngines } from '../support/engine.js'
import { bytes, Origin } from '../support/origin.js'

/** Counts the pauses. */
class CountingClock extends HastyClock {
  pauses = 0
  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.pauses++
    return super.sleep(ms, signal)
  }
}

describe('an origin that sends less than the range that it was asked for', () => {
  const engines = testEngines()
  const body = bytes('capped', 500_000)
  const etag = '"1"'
  let origin: Origin
  beforeEach(async () => (origin = await Origin.start()))
  afterEach(() => origin.close())

  it('is asked for the next part without a pause', async () => {
    origin.script('/f', [
      { body, etag, cut: { after: 100_000, by: 'fin' } },
      {
        handler: ({ headers }, response) => {
          const start = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1])
          const part = body.subarray(start, start + 50_000)
          const range = `bytes ${start}-${start + part.length - 1}/${body.length}`
          response.writeHead(206, { ETag: etag, 'Content-Range': range, 'Content-Length': part.length })
          response.end(part)
        },
      },
    ])
    const clock = new CountingClock()
    const engine = await engines.engine({ clock })
    assert.ok((await fetchAll(engine, origin.url('/f'))).body.equals(body))
    assert.deepEqual([origin.log('/f').length, clock.pauses], [9, 1])
  })
})
