import assert from 'node:assert/strict'
import { servedAs } from '#kiss/http/cache-status.js'
import { problemError } from '#kiss/http/problem.js'
import { endpoint, refuseOpenCredentials } from '#kiss/http/endpoint.js'

describe('answers of a kiss server', () => {
  it('tell by Cache-Status how they were served', () => {
    const cases = {
      'kiss; hit': 'hit',
      'kiss; hit; detail=authorised': 'hit',
      'kiss; hit; ttl=-120; detail=stale-if-error': 'stale',
      'kiss; fwd=uri-miss; fwd-status=200; stored': 'miss',
      'kiss; fwd=uri-miss; collapsed': 'collapsed',
      'kiss; fwd=stale; fwd-status=304': 'revalidated',
      'kiss; fwd=uri-miss; fwd-status=200; stored, nginx; hit': 'hit',
    }
    for (const [field, as] of Object.entries(cases)) assert.equal(servedAs(field), as, field)
    assert.equal(servedAs(undefined), 'miss')
  })

  it('become errors by their code, else by their status', () => {
    const problem = JSON.stringify({ code: 'upstream-forbidden', detail: 'not there', hint: 'allow it' })
    const error = problemError('http://lab/', 403, problem)
    assert.deepEqual(
      [error.code, error.message, error.hint, error.exit],
      ['upstream-forbidden', 'http://lab/: not there', 'allow it', 3],
    )
    const exits = [400, 404, 412, 421, 500, 502, 504, 507, 508].map(
      (status) => problemError('s', status, '<html>').exit,
    )
    assert.deepEqual(exits, [2, 3, 5, 2, 4, 4, 4, 6, 2])
    assert.equal(problemError('s', 404, '{"code": "constructor"}').code, 'origin-refused')
  })
})

describe('addresses of a kiss server', () => {
  it('are found below its own, every parameter encoded', () => {
    const url = endpoint(new URL('https://lab/kiss/?x#y'), 'fetch/a%20b', { url: 'http://h/a?b=c&d+e', ttl: undefined })
    assert.equal(url.href, 'https://lab/kiss/api/v1/fetch/a%20b?url=http%3A%2F%2Fh%2Fa%3Fb%3Dc%26d%2Be')
  })

  it('get no credential in the clear, unless they are loopback', () => {
    const none = { urls: [new URL('http://h/x')], headers: {}, token: undefined }
    const risky = [
      { ...none, headers: { 'x-a': '1' } },
      { ...none, token: 't' },
      { ...none, urls: [new URL('http://u:p@h/x')] },
      { ...none, urls: [new URL('https://b.s3.amazonaws.com/k?X-Amz-Signature=0')] },
    ]
    for (const sent of risky) {
      for (const server of ['https://lab/', 'http://127.0.0.1:1/', 'http://[::1]/', 'http://localhost/']) {
        refuseOpenCredentials(new URL(server), sent)
      }
      for (const server of ['http://lab/', 'http://10.0.0.1/', 'http://127.example/']) {
        assert.throws(() => refuseOpenCredentials(new URL(server), sent), { code: 'usage', exit: 2 })
      }
    }
    refuseOpenCredentials(new URL('http://lab/'), none)
    assert.throws(() => refuseOpenCredentials(new URL('http://u:p@lab/'), none), { code: 'usage' })
  })
})
