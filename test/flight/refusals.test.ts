import assert from 'node:assert/strict'
import { ProxyError } from '#kiss/errors.js'
import { gaveUp, unreachable } from '#kiss/flight/refusals.js'

describe('a download without an answer', () => {
  it('took too long also where the connection to the proxy timed out', () => {
    const says = 'the proxy http://proxy.example/ cannot be reached: the connection timed out'
    for (const [code, expected] of [
      ['ETIMEDOUT', 'origin-timeout'],
      ['UND_ERR_CONNECT_TIMEOUT', 'origin-timeout'],
      ['ECONNREFUSED', 'origin-unreachable'],
    ] as const) {
      const cause = new ProxyError(says, { cause: Object.assign(new Error(code), { code }) })
      const failure = unreachable('https://a.example/a', cause)
      assert.equal(failure.code, expected)
      assert.equal(failure.message, `cannot fetch https://a.example/a: ${says}`)
      const times = { reason: says, cause, attempts: 1, elapsed: 0, retryAfter: undefined }
      assert.equal(gaveUp('https://a.example/a', times).code, expected)
    }
  })

  it('names the time that the origin asks for where that is long', () => {
    const struggle = { reason: 'it answered 429', cause: undefined, attempts: 1, elapsed: 0 }
    const hintAfter = (retryAfter: number | undefined) =>
      gaveUp('https://a.example/a', { ...struggle, retryAfter }).hint
    assert.equal(hintAfter(3_600_000), 'retry in 1h, as the origin asks')
    assert.deepEqual([hintAfter(1000), hintAfter(undefined)], ['retry later', 'retry later'])
  })
})
