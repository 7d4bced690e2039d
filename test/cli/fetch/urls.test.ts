import assert from 'node:assert/strict'
import { parseList } from '#kiss/cli/fetch/urls.js'
import { parseUrl } from '#kiss/http/parse-url.js'
import { KissError } from '#kiss/errors.js'

describe('URLs of kiss fetch', () => {
  it('reads a list with comments, blank lines, CRLF and a byte order mark', () => {
    const list =
      '\ufeffhttp://h/a\r\n\r\n# a comment\r\n  s3://bucket/key with blanks  \r\nhttp://h/b # the second\r\nhttp://h/c#part'
    assert.deepEqual(
      parseList(list, 'list').map(({ url }) => url.href),
      ['http://h/a', 's3://bucket/key%20with%20blanks', 'http://h/b', 'http://h/c'],
    )
  })

  it('names the line that is no URL, without what may be secret', () => {
    assert.throws(
      () => parseList('http://h/a\n//user:secret@host/path?token=secret', 'list.txt'),
      (error) =>
        error instanceof KissError &&
        error.code === 'bad-url' &&
        error.message === 'list.txt:2: "host/path?…" is not a URL',
    )
    assert.throws(() => parseUrl('Image.gz'), { message: '"Image.gz" is not a URL' })
  })
})
