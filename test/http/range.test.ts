import assert from 'node:assert/strict'
import {
  formatContentRange,
  formatUnsatisfied,
  parseContentRange,
  parseRange,
  requestedRange,
  resolveRange,
  resumeRange,
} from '#kiss/http/range.js'

describe('Range', () => {
  it('takes one range: closed, open-ended, suffix', () => {
    assert.deepEqual(parseRange('bytes=0-99'), { first: 0, last: 99 })
    assert.deepEqual(parseRange('bytes=100-'), { first: 100, last: undefined })
    assert.deepEqual(parseRange('bytes=-5'), { suffix: 5 })
    assert.deepEqual(parseRange('Bytes= 7-7 '), { first: 7, last: 7 })
  })

  it('ignores several ranges, other units and invalid fields', () => {
    for (const value of [
      'bytes=0-1,3-4',
      'items=0-1',
      'bytes=',
      'bytes=-',
      'bytes=5-4',
      'bytes=a-b',
      'bytes=1-2-3',
      '',
    ]) {
      assert.equal(parseRange(value), undefined, value)
    }
    assert.equal(parseRange(undefined), undefined)
  })

  it('is cut to the length of the body', () => {
    assert.deepEqual(resolveRange({ first: 5, last: 999 }, 10), { first: 5, last: 9 })
    assert.deepEqual(resolveRange({ first: 5, last: undefined }, 10), { first: 5, last: 9 })
    assert.deepEqual(resolveRange({ suffix: 3 }, 10), { first: 7, last: 9 })
    assert.deepEqual(resolveRange({ suffix: 30 }, 10), { first: 0, last: 9 })
  })

  it('cannot be satisfied beyond the end, in nothing, or by nothing', () => {
    assert.equal(resolveRange({ first: 10, last: 20 }, 10), undefined)
    assert.equal(resolveRange({ first: 0, last: undefined }, 0), undefined)
    assert.equal(resolveRange({ suffix: 0 }, 10), undefined)
    assert.equal(resolveRange(parseRange(`bytes=${'9'.repeat(400)}-`)!, 10), undefined)
    assert.equal(formatUnsatisfied(10), 'bytes */10')
  })

  it('stands only for a GET, and under If-Range only with an equal strong ETag', () => {
    const own = { etag: '"a"', lastModified: 'Sun, 06 Nov 1994 08:49:37 GMT' }
    const range = { first: 1, last: 2 }
    assert.deepEqual(requestedRange('GET', { range: 'bytes=1-2' }, own), range)
    assert.equal(requestedRange('HEAD', { range: 'bytes=1-2' }, own), undefined)
    assert.deepEqual(requestedRange('GET', { range: 'bytes=1-2', 'if-range': '"a"' }, own), range)
    for (const ifRange of ['"b"', 'W/"a"', own.lastModified, 'nonsense']) {
      assert.equal(requestedRange('GET', { range: 'bytes=1-2', 'if-range': ifRange }, own), undefined, ifRange)
    }
    assert.equal(requestedRange('GET', { range: 'bytes=1-2', 'if-range': 'W/"a"' }, { etag: 'W/"a"' }), undefined)
  })
})

describe('Content-Range', () => {
  it('is written with the whole length, or without where it is unknown', () => {
    assert.equal(formatContentRange({ first: 0, last: 4 }, 10), 'bytes 0-4/10')
    assert.equal(formatContentRange({ first: 0, last: 4 }, undefined), 'bytes 0-4/*')
  })

  it('is read as origins send it', () => {
    assert.deepEqual(parseContentRange('bytes 5-9/10'), { range: { first: 5, last: 9 }, length: 10 })
    assert.deepEqual(parseContentRange('bytes 5-9/*'), { range: { first: 5, last: 9 }, length: undefined })
    assert.deepEqual(parseContentRange('bytes */10'), { range: undefined, length: 10 })
  })

  it('is not believed when it contradicts itself', () => {
    for (const value of [
      'bytes 9-5/10',
      'bytes 5-10/10',
      'bytes */*',
      'bytes 5-/10',
      'items 0-1/2',
      `bytes 0-${'9'.repeat(30)}/*`,
    ]) {
      assert.equal(parseContentRange(value), undefined, value)
    }
    assert.equal(parseContentRange(undefined), undefined)
  })

  it('is asked for from a position on', () => {
    assert.equal(resumeRange(1024), 'bytes=1024-')
  })
})
