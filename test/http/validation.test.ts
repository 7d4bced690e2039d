import assert from 'node:assert/strict'
import {
  conditionalHeaders,
  evaluatePreconditions,
  isEntityTag,
  isStrong,
  resumeValidator,
  strongEqual,
  weakEqual,
  type RequestHeaders,
} from '#kiss/http/validation.js'

const date = 'Sun, 06 Nov 1994 08:49:37 GMT'
const later = 'Sun, 06 Nov 1994 08:49:38 GMT'
const earlier = 'Sun, 06 Nov 1994 08:49:36 GMT'
const own = { etag: '"a"', lastModified: date }
const evaluate = (headers: RequestHeaders, validators: { etag?: string; lastModified?: string } = own): string =>
  evaluatePreconditions(headers, validators, 0)

describe('entity tags', () => {
  it('compare as the table of RFC 9110 §8.8.3.2 says', () => {
    const table: [string, string, boolean, boolean][] = [
      ['W/"1"', 'W/"1"', false, true],
      ['W/"1"', 'W/"2"', false, false],
      ['W/"1"', '"1"', false, true],
      ['"1"', '"1"', true, true],
    ]
    for (const [a, b, strong, weak] of table) {
      assert.equal(strongEqual(a, b), strong, `${a} ${b}`)
      assert.equal(weakEqual(a, b), weak, `${a} ${b}`)
    }
    assert.ok(!strongEqual(undefined, undefined) && !weakEqual(undefined, undefined))
  })

  it('are recognised, weak and strong, and nothing else is', () => {
    for (const tag of ['""', '"a"', 'W/"a"', '"a,b"']) assert.ok(isEntityTag(tag), tag)
    for (const tag of ['', 'a', '"a', 'w/"a"', '"a"b"', '"a b"', '"a"\n']) assert.ok(!isEntityTag(tag), tag)
    assert.ok(isStrong('"a"'))
    assert.ok(!isStrong('W/"a"') && !isStrong('unquoted') && !isStrong(undefined))
  })
})

describe('preconditions', () => {
  it('answer If-None-Match by weak comparison', () => {
    assert.equal(evaluate({ 'if-none-match': '"a"' }), 'not modified')
    assert.equal(evaluate({ 'if-none-match': 'W/"a"' }), 'not modified')
    assert.equal(evaluate({ 'if-none-match': '"x", , "a",' }), 'not modified')
    assert.equal(evaluate({ 'if-none-match': '*' }), 'not modified')
    assert.equal(evaluate({ 'if-none-match': '"b"' }), 'go on')
    assert.equal(evaluate({ 'if-none-match': '"a"' }, {}), 'go on')
  })

  it('take an unreadable list for one that matches nothing', () => {
    for (const value of ['a', '"b" "a"', '"a', '"a";', 'W/'])
      assert.equal(evaluate({ 'if-none-match': value }), 'go on')
  })

  it('read a hostile list in time that grows with its length', () => {
    assert.equal(evaluate({ 'if-none-match': `"x"${',,,"b"'.repeat(3000)}!` }), 'go on')
    assert.equal(evaluate({ 'if-none-match': `${', '.repeat(8000)}!` }), 'go on')
  })

  it('answer If-Modified-Since only without If-None-Match', () => {
    assert.equal(evaluate({ 'if-modified-since': date }), 'not modified')
    assert.equal(evaluate({ 'if-modified-since': later }), 'not modified')
    assert.equal(evaluate({ 'if-modified-since': earlier }), 'go on')
    assert.equal(evaluate({ 'if-modified-since': 'yesterday' }), 'go on')
    assert.equal(evaluate({ 'if-modified-since': date }, { etag: '"a"' }), 'go on')
    assert.equal(evaluate({ 'if-none-match': '"b"', 'if-modified-since': date }), 'go on')
  })

  it('fail If-Match by strong comparison, and If-Unmodified-Since only without it', () => {
    assert.equal(evaluate({ 'if-match': '"a"' }), 'go on')
    assert.equal(evaluate({ 'if-match': '*' }), 'go on')
    assert.equal(evaluate({ 'if-match': 'W/"a"' }), 'failed')
    assert.equal(evaluate({ 'if-match': '"b"' }), 'failed')
    assert.equal(evaluate({ 'if-unmodified-since': earlier }), 'failed')
    assert.equal(evaluate({ 'if-unmodified-since': date }), 'go on')
    assert.equal(evaluate({ 'if-match': '"a"', 'if-unmodified-since': earlier }), 'go on')
  })

  it('are evaluated in the order of RFC 9110 §13.2.2', () => {
    assert.equal(evaluate({ 'if-match': '"b"', 'if-none-match': '"a"' }), 'failed')
    assert.equal(evaluate({ 'if-match': '"a"', 'if-none-match': '"a"' }), 'not modified')
  })
})

describe('conditional requests', () => {
  it('carry every validator that there is', () => {
    assert.deepEqual(conditionalHeaders(own), { 'if-none-match': '"a"', 'if-modified-since': date })
    assert.deepEqual(conditionalHeaders({}), {})
  })

  it('resume on a strong ETag alone', () => {
    assert.equal(resumeValidator(own), '"a"')
    assert.equal(resumeValidator({ etag: 'W/"a"', lastModified: date }), undefined)
    assert.equal(resumeValidator({ lastModified: date }), undefined)
  })
})
