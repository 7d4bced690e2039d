import assert from 'node:assert/strict'
import { joined, passable, refusal, sendable, withoutCredentials, withoutValidators } from '#kiss/upstream/headers.js'

describe('headers to an origin', () => {
  it('passes credentials and whatever else is a client’s own', () => {
    const headers = {
      authorization: 'Bearer t',
      'private-token': 'p',
      cookie: 'a=b',
      'x-amz-request-payer': 'requester',
    }
    assert.deepEqual(passable(headers), headers)
  })

  it('refuses what is not for a client to say, with a reason', () => {
    const names = [
      'host',
      'range',
      'if-range',
      'if-match',
      'if-none-match',
      'accept',
      'accept-encoding',
      'accept-language',
    ]
    names.push(
      'content-length',
      'content-type',
      'content-encoding',
      'te',
      'trailer',
      'transfer-encoding',
      'expect',
      'via',
    )
    names.push(
      'forwarded',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-real-ip',
      'x-http-method-override',
      'x-original-url',
    )
    names.push('x-rewrite-url', 'connection', 'keep-alive', 'upgrade', 'proxy-authorization', 'proxy-connection')
    names.push('http2-settings', 'x-kiss-token', ':authority', 'x-method-override', 'max-forwards')
    for (const name of names) {
      assert.deepEqual(passable({ [name]: 'x' }), {}, name)
      assert.equal(typeof refusal(name), 'string', name)
    }
    assert.equal(refusal('private-token'), undefined)
    assert.equal(refusal('x-kissing'), undefined)
  })

  it('drops what the Connection header names', () => {
    assert.deepEqual(passable({ connection: 'close, X-One , x-two', 'x-one': '1', 'x-two': '2', 'x-three': '3' }), {
      'x-three': '3',
    })
  })

  it('refuses what would break out of a header', () => {
    for (const value of ['a\r\nHost: b', 'a\0', 'a\n', '…']) {
      assert.throws(() => passable({ 'x-a': value }), { code: 'usage' }, JSON.stringify(value))
    }
    for (const name of ['a b', 'a:', '', 'a\r\nb', 'ä', 'Upper']) {
      assert.throws(() => passable({ [name]: 'x' }), { code: 'usage' }, JSON.stringify(name))
    }
    assert.throws(
      () => passable({ 'x-a': 'secret\n' }),
      (error: Error) => !error.message.includes('secret'),
    )
  })

  it('sends kiss’s own conditions, and nothing of one connection, whoever added it', () => {
    const own = { range: 'bytes=5-', 'if-range': '"1"', 'if-none-match': '"1"', 'if-modified-since': 'then' }
    assert.deepEqual(sendable({ ...own, 'X-Token': 't', Host: 'h', 'content-length': '3', connection: 'x' }), {
      ...own,
      'x-token': 't',
    })
    assert.deepEqual(withoutCredentials({ ...own, authorization: 'x', 'x-a': 'y', cookie: 'z' }), own)
    assert.deepEqual(withoutValidators({ ...own, 'x-a': 'y' }), { 'x-a': 'y' })
  })

  it('joins repeated fields', () => {
    assert.deepEqual(joined({ vary: ['a', 'b'], etag: '"1"', age: undefined }), { vary: 'a, b', etag: '"1"' })
  })
})
