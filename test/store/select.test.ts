import assert from 'node:assert/strict'
import { globPattern } from '#kiss/http/glob.js'
import { type Selection, selects } from '#kiss/store/select.js'
import type { Entry } from '#kiss/store/types.js'
import { entryOf } from './support.js'

describe('the selection of entries', () => {
  const now = 100_000
  const entry = (over: Partial<Entry>) =>
    entryOf('a', 'body', { storedAt: now, lastUsedAt: now, staleAt: now + 1, size: 10, ...over })
  const takes = (selection: Selection, over: Partial<Entry> = {}) => selects(selection, now)(entry(over))

  it('is empty without a filter', () => {
    assert.equal(takes({}), false)
    assert.equal(takes({ all: false, stale: false }), false)
    assert.equal(takes({ all: true }), true)
  })

  it('goes by freshness, age, use and size, each beyond and not at its bound', () => {
    assert.deepEqual([takes({ stale: true }), takes({ stale: true }, { staleAt: now })], [false, true])
    const older = { olderThan: 5 }
    assert.deepEqual([takes(older, { storedAt: now - 5 }), takes(older, { storedAt: now - 6 })], [false, true])
    const unused = { unusedFor: 5 }
    assert.deepEqual([takes(unused, { lastUsedAt: now - 5 }), takes(unused, { lastUsedAt: now - 6 })], [false, true])
    assert.deepEqual([takes({ largerThan: 10 }), takes({ largerThan: 9 })], [false, true])
  })

  it('goes by ids', () => {
    assert.equal(takes({ ids: [entry({}).id] }), true)
    assert.equal(takes({ ids: ['another'] }), false)
    assert.equal(takes({ ids: [] }), false)
  })

  it('takes what agrees with all filters', () => {
    const both = { stale: true, largerThan: 5 }
    assert.equal(takes(both), false)
    assert.equal(takes(both, { staleAt: now }), true)
    assert.equal(takes({ ...both, all: true }, { staleAt: now, size: 5 }), false)
  })

  it('matches globs against the whole URL without its query', () => {
    const url = 'https://origin.example/builds/next/Image.gz?…'
    for (const [glob, expected] of [
      ['https://origin.example/builds/next/Image.gz', true],
      ['https://origin.example/builds/*/Image.gz', true],
      ['https://origin.example/builds/*', false],
      ['https://origin.example/builds/**', true],
      ['https://origin.example/**/Image.gz', true],
      ['https://origin.example/builds/next/**/Image.gz', true],
      ['https://origin.example/b**.gz', true],
      ['https://*.example/**', true],
      ['**/Image.??', true],
      ['**/Image.?', false],
      ['**.gz', true],
      ['*.gz', false],
      ['Image.gz', false],
      ['**Image.gz?…', false],
    ] as const) {
      assert.equal(takes({ match: glob }, { url }), expected, glob)
    }
  })

  it('takes a host in capitals, a default port and a missing path for the host of a URL', () => {
    for (const [glob, url] of [
      ['https://Origin.Example/Builds/*', 'https://origin.example/Builds/1'],
      ['HTTPS://*.EXAMPLE/**', 'https://origin.example/a/b'],
      ['*://Origin.example/**', 'http://origin.example/a'],
      ['https://origin.example:443/**', 'https://origin.example/a'],
      ['http://origin.example:80/a', 'http://origin.example/a'],
      ['https://origin.example', 'https://origin.example/'],
      ['https://**', 'https://origin.example/a'],
    ] as const) {
      assert.equal(takes({ match: glob }, { url }), true, glob)
    }
    for (const [glob, url] of [
      ['https://origin.example:80/**', 'https://origin.example/a'],
      ['https://origin.example/a', 'https://origin.example/A'],
      ['s3://Bucket/a', 's3://bucket/a'],
    ] as const) {
      assert.equal(takes({ match: glob }, { url }), false, glob)
    }
  })

  it('takes every other character of a glob for the one that a request target has for it', () => {
    const url = 'https://[::1]/a+b(c){d}^$|.\\x'
    assert.equal(globPattern(url).test('https://[::1]/a+b(c)%7Bd%7D%5E$%7C.%5Cx'), true)
    assert.equal(globPattern(url).test('https://[::1]/a+b(c)%7Bd%7D%5E$%7C-%5Cx'), false)
    assert.equal(globPattern('https://[::1]/a.b*').test('https://[::1]/a+b'), false)
  })
})
