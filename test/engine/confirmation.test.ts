import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fetchAll, MovableClock, testEngines } from '../support/engine.js'
import { bytes, Origin } from '../support/origin.js'

const old = 'Sun, 01 Nov 2026 10:00:00 GMT'
const newer = 'Mon, 02 Nov 2026 10:00:00 GMT'
type Fields = Readonly<Record<string, string>>

describe('what a 304 confirms', () => {
  const engines = testEngines()
  const first = bytes('first', 50_000)
  const second = bytes('second', 60_000)
  let origin: Origin
  beforeEach(async () => {
    origin = await Origin.start()
  })
  afterEach(() => origin.close())

  /** Answers conditional requests with 304 and these fields, all others with the body and fields of the moment. */
  const answering = (
    path: string,
    state: { body: Buffer; headers: Fields; unmodified: Fields; ok?: boolean },
  ): void => {
    const handler = ({ headers, method }: IncomingMessage, response: ServerResponse): void => {
      const asked = headers['if-none-match'] ?? headers['if-modified-since']
      if (asked !== undefined) return void response.writeHead(304, state.unmodified).end()
      if (headers['private-token'] === 'mallory') return void response.writeHead(401).end()
      response.writeHead(200, { 'content-length': state.body.length, ...state.headers })
      response.end(method === 'HEAD' ? undefined : state.body)
    }
    origin.script(path, [
      { method: 'GET', handler },
      { method: 'HEAD', handler },
    ])
  }

  const table: readonly [title: string, stored: Fields, unmodified: Fields, confirms: boolean][] = [
    ['another strong ETag', { etag: '"v1"' }, { etag: '"v2"' }, false],
    ['the ETag with a suffix', { etag: '"v1"' }, { etag: '"v1-gzip"' }, false],
    ['another weak ETag', { etag: 'W/"v1"' }, { etag: 'W/"v2"' }, false],
    ['a strong ETag of a weak one', { etag: 'W/"v1"' }, { etag: '"v1"' }, false],
    ['an ETag where the entry has a date alone', { 'last-modified': old }, { etag: '"v2"' }, false],
    ['a newer date and no ETag', { etag: '"v1"', 'last-modified': old }, { 'last-modified': newer }, false],
    ['a newer date', { 'last-modified': old }, { 'last-modified': newer }, false],
    ['an older date', { 'last-modified': newer }, { 'last-modified': old }, false],
    [
      'the same weak ETag and a newer date',
      { etag: 'W/"1"', 'last-modified': old },
      { etag: 'W/"1"', 'last-modified': newer },
      false,
    ],
    ['the same strong ETag', { etag: '"v1"' }, { etag: '"v1"' }, true],
    [
      'the same strong ETag and a newer date',
      { etag: '"v1"', 'last-modified': old },
      { etag: '"v1"', 'last-modified': newer },
      true,
    ],
    ['the same weak ETag', { etag: 'W/"v1"' }, { etag: 'W/"v1"' }, true],
    ['the same date', { 'last-modified': old }, { 'last-modified': old }, true],
    [
      'the same date in another form',
      { 'last-modified': old },
      { 'last-modified': 'Sunday, 01-Nov-26 10:00:00 GMT' },
      true,
    ],
    ['no validator', { etag: '"v1"', 'last-modified': old }, {}, true],
  ]
  for (const [title, stored, unmodified, confirms] of table) {
    it(`with ${title} ${confirms ? 'renews the entry under its own validators' : 'renews nothing: the origin is asked for the whole'}`, async () => {
      const state = { body: first, headers: stored, unmodified }
      answering('/a', state)
      const clock = new MovableClock()
      const kiss = await engines.engine({ clock })
      await fetchAll(kiss, origin.url('/a'), { ttl: 1000 })
      state.body = second
      state.headers = { etag: '"second"' }
      clock.move(2000)
      const again = await fetchAll(kiss, origin.url('/a'), { ttl: 1000 })
      assert.equal(again.as, confirms ? 'revalidated' : 'miss')
      assert.ok(again.body.equals(confirms ? first : second))
      const etag = confirms ? stored.etag : '"second"'
      assert.equal((await fetchAll(kiss, origin.url('/a'))).artifact.headers.etag, etag)
    })
  }

  it('with another ETag leaves the stale entry where the origin answers 304 to a plain request, too', async () => {
    answering('/a', { body: first, headers: { etag: '"v1"' }, unmodified: { etag: '"v2"' } })
    const clock = new MovableClock()
    const kiss = await engines.engine({ clock })
    await fetchAll(kiss, origin.url('/a'), { ttl: 1000 })
    origin.script('/a', [{ handler: (_, response) => void response.writeHead(304, { etag: '"v2"' }).end() }])
    clock.move(2000)
    const again = await fetchAll(kiss, origin.url('/a'))
    assert.deepEqual([again.as, again.artifact.detail], ['stale', 'stale-if-error'])
  })

  for (const unmodified of [{ etag: '"v2"' }, { etag: 'W/"v1"' }, { 'last-modified': newer }] as Fields[]) {
    it(`proves no right to a private artifact with ${JSON.stringify(unmodified)}`, async () => {
      answering('/a', { body: first, headers: { etag: '"v1"', 'last-modified': old }, unmodified })
      const kiss = await engines.engine()
      await fetchAll(kiss, origin.url('/a'), { headers: { 'private-token': 'alice' } })
      await assert.rejects(fetchAll(kiss, origin.url('/a'), { headers: { 'private-token': 'mallory' } }), {
        status: 401,
      })
    })
  }

  for (const [title, validators] of [
    ['a date', { 'last-modified': newer }],
    ['an ETag', { etag: '"1"' }],
  ] as const) {
    it(`from where a redirect leads now does not confirm ${title} of where it led before`, async () => {
      let build = 42
      const redirect = (_: IncomingMessage, response: ServerResponse): void =>
        void response.writeHead(302, { location: `/builds/${build}?X-Amz-Signature=${Math.random()}` }).end()
      origin.script('/latest', [{ handler: redirect }])
      answering('/builds/42', { body: first, headers: validators, unmodified: {} })
      answering('/builds/41', { body: second, headers: validators, unmodified: {} })
      const clock = new MovableClock()
      const kiss = await engines.engine({ clock })
      await fetchAll(kiss, origin.url('/latest'), { ttl: 1000 })
      clock.move(2000)
      assert.equal((await fetchAll(kiss, origin.url('/latest'), { ttl: 1000 })).as, 'revalidated')
      build = 41
      clock.move(2000)
      const moved = await fetchAll(kiss, origin.url('/latest'), { ttl: 1000 })
      assert.ok(moved.body.equals(second))
    })
  }
})
