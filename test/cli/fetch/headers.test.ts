import assert from 'node:assert/strict'
import { parseHeaders } from '#kiss/cli/fetch/headers.js'
import { KissError } from '#kiss/errors.js'

describe('headers of kiss fetch', () => {
  it("takes curl's form", () => {
    assert.deepEqual(parseHeaders(['PRIVATE-TOKEN: a b ', 'X-Empty;', 'X-List:1', 'x-list: 2', 'X-Colon: a:b;c']), {
      'private-token': 'a b',
      'x-empty': '',
      'x-list': '1, 2',
      'x-colon': 'a:b;c',
    })
  })

  it('refuses what is no header or is never passed on, without repeating a value', () => {
    for (const header of [
      'secret',
      'Name:',
      ': secret',
      'Range: secret',
      'Host: secret',
      'X-A: secret\r\nHost: x',
      'X-B: sec\0ret',
      'X Y: secret',
    ]) {
      assert.throws(
        () => parseHeaders([header]),
        (error) => error instanceof KissError && error.exit === 2 && !error.message.includes('secret'),
        header,
      )
    }
  })
})
