import assert from 'node:assert/strict'
import { joined, sendable, withoutCredentials, withoutValidators } from '#kiss/upstream/headers.js'

describe('headers to an origin', () => {
  it('sends kiss’s own conditions, and nothing of one connection, whoever added it', () => {
    const own = { range: 'bytes=5-', 'if-range': '"1"', 'if-none-match': '"1"', 'if-modified-since': 'then' }
    assert.deepEqual(sendable({ ...own, 'X-Token': 't', Host: 'h', 'content-length': '3', connection: 'x' }), {
      ...own,
      'x-token': 't',
    })
    assert.deepEqual(withoutCredentials({ ...own, authorization: 'x', 'x-a': 'y', cookie: 'z' }), own)
    assert.deepEqual(withoutCredentials({ accept: 'text/plain', cookie: 'z' }), { accept: 'text/plain' })
    assert.deepEqual(withoutValidators({ ...own, 'x-a': 'y' }), { 'x-a': 'y' })
  })

  it('joins repeated fields', () => {
    assert.deepEqual(joined({ vary: ['a', 'b'], etag: '"1"', age: undefined }), { vary: 'a, b', etag: '"1"' })
  })
})
