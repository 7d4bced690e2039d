/** A client that resumes a cut body by Range, as `curl --retry --continue-at -` does, and checks every byte. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { open } from '../server/support/client.js'

/** Number of requests after the first one, and the milliseconds before each: curl begins with a second. */
const RETRIES = 5
const PAUSE = 1_000

/** Resolves with the number of times that the body was cut. Throws for any other failure, and for a wrong byte. */
export async function fetchResuming(url: string, body: Buffer): Promise<number> {
  let received = 0
  for (let cuts = 0; ; cuts++) {
    const headers = received === 0 ? {} : { Range: `bytes=${received}-` }
    const answer = await open(url, { headers })
    assert.equal(answer.statusCode, received === 0 ? 200 : 206, `status after ${received} bytes`)
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        const expected = body.subarray(received, received + chunk.length)
        assert.ok(chunk.equals(expected), `a wrong byte between ${received} and ${received + chunk.length}`)
        received += chunk.length
      }
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
    }
    if (answer.complete && received === body.length) return cuts
    assert.ok(!answer.complete, `a body of ${received} bytes instead of ${body.length}`)
    assert.ok(cuts < RETRIES, `cut after ${received} bytes, for the last time`)
    await sleep(PAUSE)
  }
}
