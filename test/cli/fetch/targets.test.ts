import assert from 'node:assert/strict'
import { targetsOf, type TargetOptions } from '#kiss/cli/fetch/targets.js'
import { KissError } from '#kiss/errors.js'

const none: TargetOptions = {
  output: undefined,
  directory: undefined,
  path: false,
  remoteName: false,
  sha256: undefined,
  json: false,
  cwd: '/home/me',
}

function places(urls: readonly string[], options: Partial<TargetOptions> = {}): unknown[] {
  return targetsOf(
    urls.map((url) => ({ url: new URL(url) })),
    { ...none, ...options },
  ).map(({ destination }) => (destination.to === 'file' ? destination.path : destination.to))
}

function complaint(urls: readonly string[], options: Partial<TargetOptions> = {}): string {
  try {
    places(urls, options)
  } catch (error) {
    assert.ok(error instanceof KissError)
    assert.equal(error.exit, 2)
    return error.message
  }
  return 'none'
}

describe('targets of kiss fetch', () => {
  it('saves in the working directory under the name in the URL, decoded', () => {
    assert.deepEqual(places(['http://h/a/Image.gz?x=/y', 'http://h/b%20c.tar#z']), [
      '/home/me/Image.gz',
      '/home/me/b c.tar',
    ])
  })

  it('takes the names of standard output for what they are: no line of a report may follow the bytes', () => {
    for (const output of ['-', '/dev/stdout', '/dev/fd/1', '/proc/self/fd/1']) {
      assert.deepEqual(places(['http://h/a'], { output }), ['stdout'], output)
      assert.match(complaint(['http://h/a'], { output, json: true }), /cannot both have standard output/)
    }
    assert.deepEqual(places(['http://h/a'], { output: '/dev/null' }), ['/dev/null'])
  })

  it('never leaves the directory, whatever the URL says', () => {
    assert.deepEqual(places(['http://h/a/..%2f..%2fetc%2fpasswd']), ['/home/me/.._.._etc_passwd'])
    assert.deepEqual(places(['http://h/a/%00%0a']), ['/home/me/__'])
  })

  it('takes --output and --directory', () => {
    assert.deepEqual(places(['http://h/a'], { output: 'b' }), ['/home/me/b'])
    assert.deepEqual(places(['http://h/a'], { output: '-' }), ['stdout'])
    assert.deepEqual(places(['http://h/a'], { directory: 'd' }), ['/home/me/d/a'])
    assert.deepEqual(places(['http://h/a'], { directory: 'd', output: 'b' }), ['/home/me/d/b'])
    assert.deepEqual(places(['http://h/a/', 'http://i/a/'], { path: true }), ['cache', 'cache'])
  })

  it('refuses two URLs with one name before anything starts, and takes one URL twice', () => {
    assert.equal(
      complaint(['http://u:secret@h/a/x?token=secret', 'http://h/b/x']),
      'http://h/a/x?… and http://h/b/x would both be saved as /home/me/x',
    )
    assert.deepEqual(places(['http://h/x', 'http://h/x']), ['/home/me/x', '/home/me/x'])
  })

  it('asks for a name where the URL has none', () => {
    assert.equal(complaint(['http://h/a/']), 'http://h/a/ names no file')
    assert.equal(complaint(['http://h']), 'http://h/ names no file')
    assert.deepEqual(places(['http://h/a/'], { output: 'x' }), ['/home/me/x'])
  })

  it('refuses flags that contradict each other', () => {
    assert.match(complaint([]), /^name a URL/)
    assert.match(complaint(['http://h/a', 'http://h/b'], { output: 'x' }), /^--output takes one URL/)
    assert.match(complaint(['http://h/a', 'http://h/b'], { sha256: '0' }), /^--sha256 takes one URL/)
    assert.match(complaint(['http://h/a'], { path: true, output: 'x' }), /^--path copies nothing/)
    assert.match(complaint(['http://h/a'], { json: true, output: '-' }), /cannot both have standard output$/)
  })
})
