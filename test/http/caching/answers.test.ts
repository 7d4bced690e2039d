import assert from 'node:assert/strict'
import { isKnownToClient, confirmsStored, headAgrees, validating } from '#kiss/http/caching/conditions.js'
import { forwardedFields, keptFields, updatedFields } from '#kiss/http/caching/fields.js'
import { completes, completing, partOf, rangeWithin, withSize } from '#kiss/http/caching/parts.js'
import type { Fields, StoredAnswer } from '#kiss/http/caching/types.js'
import { isSelected, selecting, varyNames } from '#kiss/http/caching/vary.js'

import { NOW, date, stored } from './samples.js'

describe('conditions', () => {
  it('conditions of clients are answered from the stored answer', () => {
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

  it('conditions of kiss name every stored validator in place of those of the client', () => {
    const request = { accept: '*/*', 'if-none-match': '"9"', range: 'bytes=0-1', 'if-range': '"9"' }
    assert.deepEqual(validating(request, stored({ etag: '"1"', 'last-modified': date(0) })), {
      accept: '*/*',
      'if-none-match': '"1"',
      'if-modified-since': date(0),
    })
  })

  it('a 304 with the same validator, or with none, confirms the stored answer', () => {
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

  it('an answer to HEAD confirms the stored answer if no field about the content differs', () => {
    const answer = { fields: { etag: '"1"', 'content-length': '5' } }
    assert.ok(headAgrees(answer, { etag: '"1"' }))
    assert.ok(!headAgrees(answer, { etag: '"2"' }))
    assert.ok(!headAgrees(answer, { 'content-length': '6' }))
  })
})

describe('Vary', () => {
  it('Vary names the fields of a request that select an answer', () => {
    assert.deepEqual(varyNames('Foo, bar,,foo'), ['bar', 'foo'])
    assert.deepEqual(varyNames(), [])
    for (const star of ['*', ', *', 'foo, *']) assert.equal(varyNames(star), undefined)
  })

  it('selecting fields are compared without white space, and languages and codings as sets', () => {
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
  it('fields of one hop, and fields that act in the name of the cache, are neither stored nor passed on', () => {
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

  it('fields of a request go to the origin, except those of the hop, of kiss and of proxies', () => {
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

  it('fields of a confirmation replace the stored ones, except those of the body', () => {
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

  it('a part is as long as its Content-Range says, and shorter after a cut', () => {
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

  it('a part answers the ranges within it', () => {
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

  it('a part is completed by bytes with the same strong validator', () => {
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
