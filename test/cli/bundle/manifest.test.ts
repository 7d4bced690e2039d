import assert from 'node:assert/strict'
import { readManifest, sumOf, writeManifest } from '#kiss/cli/bundle/manifest.js'
import { answerId } from '#kiss/engine/by-origin/candidates.js'
import { keyIdOf } from '#kiss/flight/subject.js'
import type { StoredAnswer } from '#kiss/http/caching/types.js'
import type { Entry } from '#kiss/store/types.js'

const now = Date.parse('2026-01-01')
const good: Entry = {
  id: keyIdOf(new URL('https://h.example/a')),
  url: 'https://h.example/a',
  sha256: 'ab'.repeat(32),
  size: 5,
  headers: { contentType: 'text/plain', etag: '"1"', fileName: 'a.txt' },
  storedAt: 1,
  validatedAt: 2,
  staleAt: 3,
  lifetime: 4,
  lastUsedAt: 5,
  hits: 6,
  private: false,
  access: 'public',
  unverified: false,
}
const read = (change: Record<string, unknown>, version = 1): Entry[] =>
  readManifest(JSON.stringify({ version, entries: [{ ...good, ...change }] }), now)

describe('the manifest of a bundle', () => {
  it('carries an entry, but not its uses', () => {
    assert.deepEqual(readManifest(writeManifest([good]), now), [{ ...good, hits: 0, lastUsedAt: now }])
  })

  it('takes the fractions of milliseconds that older versions stored', () => {
    assert.equal(read({ validatedAt: 2.25, staleAt: 3.25 })[0]?.validatedAt, 2.25)
  })

  it('gives no entry more than an origin could: no access, no time in the future, no line in a header', () => {
    const [entry] = read({
      access: 'client',
      private: true,
      resource: 'x',
      storedAt: now + 1,
      headers: { contentType: 'text/html\r\nx: y', etag: 'no tag', fileName: '../.profile', other: 'x' },
    })
    assert.deepEqual(entry, {
      ...good,
      storedAt: now,
      hits: 0,
      lastUsedAt: now,
      headers: { fileName: '__.profile' },
    })
  })

  const wrong: [string, Record<string, unknown>, RegExp][] = [
    ['an id of another URL', { url: 'https://h.example/b' }, /no id of its URL/],
    ['an id that is none', { id: '../x' }, /no id/],
    ['a credential in the URL', { url: 'https://u:p@h.example/a' }, /no displayable URL/],
    ['a control character in the URL', { url: 'https://h.example/a\u001b[2J' }, /no displayable URL/],
    ['a path for a sum', { sha256: '../../x' }, /no SHA-256/],
    ['a size below zero', { size: -1 }, /no size/],
    ['a time that no date can hold', { staleAt: 1e300 }, /no times/],
  ]
  for (const [what, change, message] of wrong) {
    it(`is refused with ${what}`, () => assert.throws(() => read(change), message))
  }

  describe('with an answer under freshness: origin', () => {
    const answer: StoredAnswer = {
      status: 206,
      fields: { etag: '"1"', 'content-range': 'bytes 0-4/9', vary: 'accept' },
      requestedAt: 1,
      receivedAt: 2,
      vary: { accept: null },
      part: { first: 0, last: 4, length: 9 },
    }
    const id = answerId(good.id, answer)

    it('carries it, without fields that act in the name of a server', () => {
      const [entry] = readManifest(writeManifest([{ ...good, id, answer }]), now)
      assert.deepEqual(entry?.answer, answer)
      const fields = { ...answer.fields, 'set-cookie': 'a=b', connection: 'x' }
      assert.deepEqual(read({ id, answer: { ...answer, fields, receivedAt: now + 1 } })[0]?.answer, {
        ...answer,
        receivedAt: now,
      })
    })

    const changes: [string, Record<string, unknown>][] = [
      ['another selection than that of its id', { vary: { accept: 'text/html' } }],
      ['a part of another size than the body', { part: { first: 0, last: 5, length: 9 } }],
      ['a status that is none', { status: '200' }],
      ['an interim status', { status: 100 }],
      ['a field that ends its line', { fields: { etag: '"1"\r\nx: y' } }],
      ['a name of a field that is none', { fields: { 'a b': 'c' } }],
      ['no fields', { fields: null }],
      ['no times', { requestedAt: 'then' }],
    ]
    for (const [what, change] of changes) {
      it(`is refused with ${what}`, () =>
        assert.throws(() => read({ id, answer: { ...answer, ...change } }), /has no answer that an origin could send/))
    }
  })

  it('is refused in another version, and where it is no JSON', () => {
    assert.throws(() => read({}, 2), /no bundle of version 1/)
    for (const text of ['', '[]', 'null', '{"version":1,"entries":[null]}'])
      assert.throws(() => readManifest(text, now), { code: 'usage' })
  })

  it('knows the names of bodies alone', () => {
    assert.equal(sumOf(`blobs/${good.sha256}`), good.sha256)
    for (const name of [`blobs/../${good.sha256}`, `./blobs/${good.sha256}`, `/blobs/${good.sha256}`, 'blobs/x'])
      assert.equal(sumOf(name), undefined)
  })
})
