import assert from 'node:assert/strict'
import { decide, servesInTrouble, type Trouble } from '#kiss/http/caching/decision.js'
import { parseCacheControl, policyOf, secondsOf } from '#kiss/http/caching/directives.js'
import { currentAge, lifetimeOf } from '#kiss/http/caching/freshness.js'
import { whyNotStored } from '#kiss/http/caching/storing.js'
import type { AskedFor, Fields, StoredAnswer } from '#kiss/http/caching/types.js'

import { NOW, asked, date, stored } from './samples.js'

describe('Cache-Control', () => {
  it('Cache-Control is read in every form of its directives, and the first of two counts', () => {
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

  it('a CDN-Cache-Control that is a structured dictionary replaces Cache-Control', () => {
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
  it('the lifetime of an answer is that of the strongest of its fields', () => {
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

  it('the age of an answer counts every cache on the way', () => {
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
  it('an answer is stored or not by its fields, its status and its request', () => {
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

  it('the decision about a request follows the stored answer', () => {
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

  it('the decision about a request follows its own directives', () => {
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

  it('an answer that came after the request began counts as fresh', () => {
    const answer = of('max-age=0, must-revalidate', 1)
    const question = { asked: asked({ 'cache-control': 'no-cache' }), stored: answer, now: NOW }
    assert.equal(decide({ ...question, since: NOW - 2000 }).kind, 'serve')
    assert.equal(decide({ ...question, since: NOW }).kind, 'validate')
  })

  it('a stale answer is served while the origin fails, if its directives allow it', () => {
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
