import assert from 'node:assert/strict'
import { isKnownToClient, confirmsStored, headAgrees, validating } from '#kiss/http/caching/conditions.js'
import { decide, servesInTrouble, type Trouble } from '#kiss/http/caching/decision.js'
import { parseCacheControl, policyOf, secondsOf } from '#kiss/http/caching/directives.js'
import { forwardedFields, keptFields, updatedFields } from '#kiss/http/caching/fields.js'
import { currentAge, lifetimeOf } from '#kiss/http/caching/freshness.js'
import { completes, completing, partOf, rangeWithin, withSize } from '#kiss/http/caching/parts.js'
import { whyNotStored } from '#kiss/http/caching/storing.js'
import type { AskedFor, Fields, StoredAnswer } from '#kiss/http/caching/types.js'
import { isSelected, selecting, varyNames } from '#kiss/http/caching/vary.js'

const NOW = Date.parse('2026-11-27T08:00:00Z')
const date = (seconds: number): string => new Date(NOW + seconds * 1000).toUTCString()

const asked = (fields: Fields = {}, more: Partial<AskedFor> = {}): AskedFor => ({
  method: 'GET',
  fields,
  credentialed: false,
  ...more,
})

/** An answer that came so many seconds ago. */
const stored = (fields: Fields, ago = 0, more: Partial<StoredAnswer> = {}): StoredAnswer => ({
  status: 200,
  fields: { date: date(-ago), ...fields },
  requestedAt: NOW - ago * 1000,
  receivedAt: NOW - ago * 1000,
  vary: {},
  ...more,
})

describe('Cache-Control', () => {
  it('is read with every form of its directives, the first of two counts', () => {
    const table: [text: string, name: string, expected: number | undefined][] = [
      ['max-age=60', 'max-age', 60],
      ['MaX-AgE=60', 'max-age', 60],
      ['max-age="60"', 'max-age', 60],
      ['foo, max-age=60', 'max-age', 60],
      ['foo="max-age=1, x", max-age=60', 'max-age', 60],
      ['max-age=1, max-age=60', 'max-age', 1],
      ['max-age', 'max-age', 0],
      ['max-age=', 'max-age', 0],
      ['max-age=-60', 'max-age', 0],
      ['max-age=60.5', 'max-age', 0],
      ['max-age=99999999999', 'max-age', 2 ** 31],
      ['max-age =60', 'max-age', undefined],
      ['max-age: 60', 'max-age', undefined],
      ['s-maxage=60', 'max-age', undefined],
      ['', 'max-age', undefined],
    ]
    for (const [text, name, expected] of table) assert.equal(secondsOf(parseCacheControl(text), name), expected, text)
  })

  it('gives way to a CDN-Cache-Control that is a structured dictionary', () => {
    const table: [cdn: string, targeted: boolean][] = [
      ['max-age=60', true],
      ['no-store', true],
      ['foobar, max-age=60', true],
      ['max-age=60, &&&', false],
      ['max-age="60"', false],
      ['max-age=60.5', false],
      ['max-age=-1', false],
      ['MAX-AGE=60', false],
      ['', false],
    ]
    for (const [cdn, targeted] of table) {
      const fields = { 'cdn-cache-control': cdn, 'cache-control': 'no-store', expires: date(60) }
      assert.equal(policyOf(fields).targeted, targeted, cdn)
    }
  })
})

describe('the lifetime of an answer', () => {
  it('is what the strongest of its fields says', () => {
    const table: [fields: Fields, status: number, expected: number][] = [
      [{ 'cache-control': 's-maxage=10, max-age=60' }, 200, 10],
      [{ 'cache-control': 'max-age=60', expires: date(-5) }, 200, 60],
      [{ 'cdn-cache-control': 'max-age=5', 'cache-control': 'max-age=60' }, 200, 5],
      [{ 'cdn-cache-control': 'public', expires: date(60) }, 200, 0],
      [{ expires: date(60) }, 200, 60],
      [{ expires: date(60), date: date(50) }, 200, 10],
      [{ expires: date(60), date: 'foo' }, 200, 60],
      [{ expires: date(60).toLowerCase() }, 200, 60],
      [{ expires: '0' }, 200, 0],
      [{ expires: date(60).replace('GMT', 'UTC') }, 200, 0],
      [{ expires: `${date(60)}, ${date(70)}` }, 200, 0],
      [{ 'last-modified': date(-1000) }, 200, 100],
      [{ 'last-modified': date(-100 * 86_400) }, 200, 86_400],
      [{ 'last-modified': date(-1000) }, 404, 100],
      [{ 'last-modified': date(-1000) }, 302, 0],
      [{ 'last-modified': date(-1000) }, 500, 0],
      [{ 'last-modified': date(-1000), 'cache-control': 'public' }, 599, 100],
      [{ 'last-modified': date(1000) }, 200, 0],
      [{}, 200, 0],
    ]
    for (const [fields, status, expected] of table)
      assert.equal(lifetimeOf({ status, fields: { date: date(0), ...fields } }, NOW), expected, JSON.stringify(fields))
  })

  it('is compared with an age that counts every cache on the way', () => {
    const table: [fields: Fields, times: { requested: number; received: number }, expected: number][] = [
      [{ date: date(-100) }, { requested: -100, received: -100 }, 100],
      [{ date: date(-160) }, { requested: -100, received: -100 }, 160],
      [{ date: date(-100), age: '50' }, { requested: -100, received: -100 }, 150],
      [{ date: date(-100), age: '50' }, { requested: -110, received: -100 }, 160],
      [{ date: date(-100), age: '50, 0' }, { requested: -100, received: -100 }, 150],
      [{ date: date(-100), age: '0, 50' }, { requested: -100, received: -100 }, 100],
      [{ date: date(-100), age: '-50' }, { requested: -100, received: -100 }, 100],
      [{ date: date(-100), age: '7.5' }, { requested: -100, received: -100 }, 100],
      [{ date: date(500) }, { requested: -100, received: -100 }, 100],
      [{}, { requested: -100, received: -100 }, 100],
    ]
    for (const [fields, { requested, received }, expected] of table) {
      const answer = { fields, requestedAt: NOW + requested * 1000, receivedAt: NOW + received * 1000 }
      assert.equal(currentAge(answer, NOW), expected, JSON.stringify(fields))
    }
  })
})

describe('whether an answer is stored', () => {
  it('follows its fields, its status and its request', () => {
    const fresh = { 'cache-control': 'max-age=60' }
    const authorised = asked({ authorization: 'x' }, { credentialed: true })
    const table: [why: string | undefined, fields: Fields, status?: number, request?: AskedFor][] = [
      [undefined, fresh],
      [undefined, { etag: '"1"' }],
      [undefined, { 'last-modified': date(-1000) }],
      [undefined, { 'cache-control': 'max-age=60, no-cache' }],
      [undefined, { 'cache-control': 'max-age=0, stale-if-error=60' }],
      ['it could never be used again', {}],
      ['it could never be used again', { 'cache-control': 'max-age=0' }],
      ['no-store', { 'cache-control': 'max-age=60, no-store' }],
      ['no-store', { 'cache-control': 'max-age=60, No-StOrE' }],
      ['private', { 'cache-control': 'max-age=60, private' }],
      ['private', { 'cache-control': 'max-age=60, private="x"' }],
      ['no-store of the request', fresh, 200, asked({ 'cache-control': 'no-store' })],
      ['method', fresh, 200, asked({}, { method: 'HEAD' })],
      ['vary', { ...fresh, vary: 'foo, *' }],
      ['credential', fresh, 200, authorised],
      [undefined, { 'cache-control': 'max-age=60, public' }, 200, authorised],
      [undefined, { 'cache-control': 'max-age=60, must-revalidate' }, 200, authorised],
      [undefined, { 'cache-control': 's-maxage=60' }, 200, authorised],
      [undefined, fresh, 404],
      [undefined, fresh, 302],
      [undefined, fresh, 503],
      [undefined, fresh, 599],
      [undefined, { etag: '"1"' }, 404],
      ['nothing says that it may', { etag: '"1"' }, 302],
      ['nothing says that it may', { etag: '"1"' }, 500],
      ['status', fresh, 304],
      ['status', fresh, 416],
      ['status', fresh, 206],
      [undefined, { ...fresh, 'content-range': 'bytes 0-4/10' }, 206],
      ['must-understand', { 'cache-control': 'max-age=60, no-store, must-understand' }, 599],
      [undefined, { 'cache-control': 'max-age=60, no-store, must-understand' }, 200],
      ['no-store', { 'cache-control': 'max-age=60', 'cdn-cache-control': 'no-store' }],
      [undefined, { 'cache-control': 'no-store', 'cdn-cache-control': 'max-age=60' }],
    ]
    for (const [why, fields, status = 200, request = asked()] of table) {
      const answer = { status, fields: { date: date(0), ...fields } }
      assert.equal(whyNotStored({ asked: request, answer, receivedAt: NOW }), why, JSON.stringify([status, fields]))
    }
  })
})

describe('what to do with a request', () => {
  /** `~`: stale; `!`: with a validation behind it. */
  const does = (request: Fields, answer: StoredAnswer | undefined, maxAge?: number): string => {
    const decision = decide({ asked: asked(request), stored: answer, now: NOW, since: NOW + 1, maxAge })
    if (decision.kind !== 'serve') return decision.kind
    return `serve${decision.stale ? '~' : ''}${decision.stale && decision.refresh ? '!' : ''}`
  }
  const of = (cacheControl: string, ago: number): StoredAnswer => stored({ 'cache-control': cacheControl }, ago)

  it('follows the answer', () => {
    const table: [answer: StoredAnswer | undefined, expected: string][] = [
      [undefined, 'forward'],
      [of('max-age=60', 30), 'serve'],
      [of('max-age=60', 60), 'validate'],
      [of('max-age=60', 61), 'validate'],
      [of('max-age=60, no-cache', 30), 'validate'],
      [of('max-age=60, no-cache="set-cookie"', 30), 'validate'],
      [of('max-age=60, must-revalidate', 30), 'serve'],
      [of('max-age=60, stale-while-revalidate=60', 90), 'serve~!'],
      [of('max-age=60, stale-while-revalidate=60', 121), 'validate'],
      [of('max-age=60, stale-while-revalidate=60, must-revalidate', 90), 'validate'],
      [of('s-maxage=60, stale-while-revalidate=60', 90), 'validate'],
      [stored({ 'cache-control': 'max-age=60' }, -60), 'validate'],
    ]
    for (const [answer, expected] of table) assert.equal(does({}, answer), expected, JSON.stringify(answer?.fields))
  })

  it('follows the request', () => {
    const table: [cacheControl: string, answer: StoredAnswer | undefined, expected: string][] = [
      ['no-cache', of('max-age=60', 30), 'validate'],
      ['max-age=0', of('max-age=60', 30), 'validate'],
      ['max-age=30', of('max-age=60', 30), 'serve'],
      ['max-age=29', of('max-age=60', 30), 'validate'],
      ['min-fresh=20', of('max-age=60', 30), 'serve'],
      ['min-fresh=40', of('max-age=60', 30), 'validate'],
      ['max-stale', of('max-age=60', 90), 'serve~'],
      ['max-stale=30', of('max-age=60', 90), 'serve~'],
      ['max-stale=29', of('max-age=60', 90), 'validate'],
      ['max-stale', of('max-age=60, must-revalidate', 90), 'validate'],
      ['max-stale', of('max-age=60, proxy-revalidate', 90), 'validate'],
      ['only-if-cached', of('max-age=60', 30), 'serve'],
      ['only-if-cached', of('max-age=60', 90), 'unavailable'],
      ['only-if-cached', undefined, 'unavailable'],
      ['no-store', of('max-age=60', 30), 'serve'],
    ]
    for (const [cacheControl, answer, expected] of table)
      assert.equal(does({ 'cache-control': cacheControl }, answer), expected, cacheControl)
    assert.equal(does({ pragma: 'no-cache' }, of('max-age=60', 30)), 'validate')
    assert.equal(does({ pragma: 'no-cache', 'cache-control': 'x' }, of('max-age=60', 30)), 'serve')
    assert.equal(does({}, of('max-age=60', 30), 29), 'validate')
  })

  it('takes what came after the request for fresh enough', () => {
    const answer = of('max-age=0, must-revalidate', 1)
    const question = { asked: asked({ 'cache-control': 'no-cache' }), stored: answer, now: NOW }
    assert.equal(decide({ ...question, since: NOW - 2000 }).kind, 'serve')
    assert.equal(decide({ ...question, since: NOW }).kind, 'validate')
  })

  it('may be to serve stale when the origin is in trouble', () => {
    const table: [answer: StoredAnswer, trouble: Trouble, expected: boolean, request?: Fields][] = [
      [of('max-age=60', 90), 'unreachable', true],
      [of('max-age=60', 2000), 'unreachable', false],
      [of('max-age=60', 90), { status: 503 }, false],
      [of('max-age=60, stale-if-error=60', 90), { status: 503 }, true],
      [of('max-age=60, stale-if-error=60', 90), { status: 404 }, false],
      [of('max-age=60, stale-if-error=60', 130), { status: 503 }, false],
      [of('max-age=60, stale-if-error=5000', 2000), 'unreachable', true],
      [of('max-age=60', 90), { status: 500 }, true, { 'cache-control': 'stale-if-error=60' }],
      ...['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=60'].map(
        (forbidding): [StoredAnswer, Trouble, boolean] => [
          of(`max-age=60, stale-if-error=60, ${forbidding}`, 90),
          'unreachable',
          false,
        ],
      ),
    ]
    for (const [answer, trouble, expected, request] of table) {
      const question = { asked: asked(request), stored: answer, trouble, now: NOW, disconnected: 1000 }
      assert.equal(servesInTrouble(question), expected, JSON.stringify([answer.fields, trouble]))
    }
  })
})

describe('conditions', () => {
  it('of clients are answered from what is stored', () => {
    const answer = stored({ etag: '"1"', 'last-modified': date(-100) })
    const table: [request: Fields, known: boolean][] = [
      [{ 'if-none-match': '"1"' }, true],
      [{ 'if-none-match': 'W/"1"' }, true],
      [{ 'if-none-match': '"0", "1"' }, true],
      [{ 'if-none-match': '*' }, true],
      [{ 'if-none-match': '"2"' }, false],
      [{ 'if-none-match': '"2"', 'if-modified-since': date(0) }, false],
      [{ 'if-modified-since': date(-100) }, true],
      [{ 'if-modified-since': date(0) }, true],
      [{ 'if-modified-since': date(-101) }, false],
      [{ 'if-modified-since': 'yesterday' }, false],
      [{ 'if-match': '"2"' }, false],
      [{}, false],
    ]
    for (const [request, known] of table)
      assert.equal(isKnownToClient(request, answer, NOW), known, JSON.stringify(request))
    assert.equal(isKnownToClient({ 'if-none-match': '"1"' }, { ...answer, status: 404 }, NOW), false)
  })

  it('of kiss name every stored validator in place of the client’s', () => {
    const request = { accept: '*/*', 'if-none-match': '"9"', range: 'bytes=0-1', 'if-range': '"9"' }
    assert.deepEqual(validating(request, stored({ etag: '"1"', 'last-modified': date(0) })), {
      accept: '*/*',
      'if-none-match': '"1"',
      'if-modified-since': date(0),
    })
  })

  it('are confirmed by a 304 with the same validator, or with none', () => {
    const table: [answer: Fields, confirmation: Fields, expected: boolean][] = [
      [{ etag: '"1"' }, {}, true],
      [{ etag: '"1"' }, { etag: '"1"' }, true],
      [{ etag: '"1"' }, { etag: '"2"' }, false],
      [{ etag: '"1"' }, { etag: 'W/"1"' }, true],
      [{ etag: 'W/"1"' }, { etag: '"1"' }, false],
      [{ 'last-modified': date(0) }, { 'last-modified': date(0) }, true],
      [{ 'last-modified': date(0) }, { 'last-modified': date(1) }, false],
    ]
    for (const [answer, confirmation, expected] of table)
      assert.equal(confirmsStored({ fields: answer }, confirmation), expected, JSON.stringify([answer, confirmation]))
  })

  it('of a HEAD are that nothing that describes the content differs', () => {
    const answer = { fields: { etag: '"1"', 'content-length': '5' } }
    assert.ok(headAgrees(answer, { etag: '"1"' }))
    assert.ok(!headAgrees(answer, { etag: '"2"' }))
    assert.ok(!headAgrees(answer, { 'content-length': '6' }))
  })
})

describe('Vary', () => {
  it('names the fields of a request that select an answer', () => {
    assert.deepEqual(varyNames('Foo, bar,,foo'), ['bar', 'foo'])
    assert.deepEqual(varyNames(), [])
    for (const star of ['*', ', *', 'foo, *']) assert.equal(varyNames(star), undefined)
  })

  it('compares them without regard to white space, and languages and codings as sets', () => {
    const table: [name: string, before: string | undefined, now: string | undefined, same: boolean][] = [
      ['foo', '1', '1', true],
      ['foo', '1', '2', false],
      ['foo', '1', undefined, false],
      ['foo', undefined, undefined, true],
      ['foo', '1, 2', ' 1 ,2', true],
      ['foo', '1, 2', '2, 1', false],
      ['foo', 'a', 'A', false],
      ['accept-language', 'en, de', 'DE,en', true],
      ['accept-language', 'en;q=0.5, de', 'de, en;q=0.5', false],
      ['accept-encoding', 'gzip, br', 'br, gzip', true],
    ]
    for (const [name, before, now, same] of table) {
      const vary = selecting([name], before === undefined ? {} : { [name]: before })
      assert.equal(
        isSelected({ vary }, now === undefined ? {} : { [name]: now }),
        same,
        JSON.stringify([name, before, now]),
      )
    }
  })
})

describe('fields', () => {
  it('of one hop, and those that act in the name of the cache, are neither stored nor passed on', () => {
    const kept = { 'test-header': '1', 'cache-control': 'x', etag: '"1"', 'x-frame-options': 'deny' }
    const dropped = {
      connection: 'close, a',
      a: '1',
      'keep-alive': '5',
      'transfer-encoding': 'chunked',
      'proxy-authenticate': 'x',
      'set-cookie': 'a=b',
      'strict-transport-security': 'max-age=1',
      'clear-site-data': '*',
      'access-control-allow-origin': '*',
      'alt-svc': 'x',
    }
    assert.deepEqual(keptFields({ ...kept, ...dropped }), kept)
  })

  it('of a request go to the origin, but for those of the hop, of kiss and of whoever forwards', () => {
    const forwarded = { 'user-agent': 'x', accept: 'a, b', 'if-none-match': '"1"', range: 'bytes=0-', te2: 'x' }
    const dropped = {
      host: 'kiss',
      connection: 'x',
      x: '1',
      te: 'trailers',
      'x-kiss-token': 's',
      'x-forwarded-for': '1',
    }
    assert.deepEqual(forwardedFields({ ...forwarded, ...dropped, accept: ['a', 'b'] }), forwarded)
  })

  it('of a confirmation take the place of the stored ones, but for those of the body', () => {
    const before = { a: '1', b: '1', age: '5', 'content-length': '5', 'content-encoding': 'gzip' }
    const confirmation = { a: '2', c: '3', 'content-length': '0', 'set-cookie': 'x' }
    const after = { a: '2', b: '1', c: '3', 'content-length': '5', 'content-encoding': 'gzip' }
    assert.deepEqual(updatedFields(before, confirmation), after)
  })
})

describe('parts', () => {
  const range = (contentRange: string, length?: string): Fields => ({
    'content-range': contentRange,
    etag: '"1"',
    ...(length !== undefined && { 'content-length': length }),
  })
  const part = (contentRange: string): StoredAnswer =>
    stored(range(contentRange), 0, { status: 206, part: partOf({ status: 206, fields: range(contentRange) }) })

  it('are what the Content-Range says, shorter where they were cut', () => {
    assert.deepEqual(partOf({ status: 206, fields: range('bytes 4-9/10') }), { first: 4, last: 9, length: 10 })
    assert.deepEqual(partOf({ status: 206, fields: range('bytes 4-9/*', '5') }), {
      first: 4,
      last: 8,
      length: undefined,
    })
    assert.equal(partOf({ status: 206, fields: range('bytes 4-9/10', '7') }), undefined)
    assert.equal(partOf({ status: 206, fields: range('bytes 9-4/10') }), undefined)
    assert.equal(partOf({ status: 200, fields: range('bytes 4-9/10') }), undefined)
    assert.equal(withSize({ first: 4, last: 9, length: 10 }, 0), undefined)
  })

  it('answer the ranges within them', () => {
    const table: [request: Fields, expected: readonly [number, number] | undefined][] = [
      [{ range: 'bytes=4-9' }, [4, 9]],
      [{ range: 'bytes=5-6' }, [5, 6]],
      [{ range: 'bytes=6-' }, [6, 9]],
      [{ range: 'bytes=-2' }, [8, 9]],
      [{ range: 'bytes=3-5' }, undefined],
      [{ range: 'bytes=-7' }, undefined],
      [{ range: 'bytes=5-6', 'if-range': '"1"' }, [5, 6]],
      [{ range: 'bytes=5-6', 'if-range': '"2"' }, undefined],
      [{}, undefined],
    ]
    for (const [request, expected] of table) {
      const found = rangeWithin(request, part('bytes 4-9/10'))
      assert.deepEqual(found && [found.first, found.last], expected, JSON.stringify(request))
    }
    assert.equal(rangeWithin({ range: 'bytes=6-' }, part('bytes 4-9/*')), undefined)
  })

  it('are completed by what the same strong validator proves', () => {
    const begun = part('bytes 0-4/10')
    assert.deepEqual(completing(begun), { range: 'bytes=5-', 'if-range': '"1"' })
    assert.equal(completing(part('bytes 1-4/10')), undefined)
    assert.equal(completing(part('bytes 0-4/*')), undefined)
    assert.equal(completing({ ...begun, fields: { etag: 'W/"1"' } }), undefined)
    const rest = (fields: Fields, status = 206) => completes(begun, { status, fields })
    assert.ok(rest(range('bytes 5-9/10')))
    assert.ok(!rest(range('bytes 5-8/10')))
    assert.ok(!rest(range('bytes 6-9/10')))
    assert.ok(!rest(range('bytes 5-9/11')))
    assert.ok(!rest({ ...range('bytes 5-9/10'), etag: '"2"' }))
    assert.ok(!rest(range('bytes 5-9/10'), 200))
  })
})
