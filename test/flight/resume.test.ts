import assert from 'node:assert/strict'
import { ask, headOf, judge, type Answer, type Held } from '#kiss/flight/resume.js'
import type { Entry } from '#kiss/store/types.js'

const circumstances = { now: 0, passedNames: [], resource: 'here', hop: 0, signIn: false }

function answer(status: number, headers: Record<string, string> = {}): Answer {
  return { status, headers }
}

function held(size: number, headers: Record<string, string> = { etag: '"1"', 'content-length': '1000' }): Held {
  return { size, head: headOf(answer(200, headers), circumstances), stale: undefined }
}

function verdict(
  asked: 'whole' | 'validate' | 'rest',
  status: number,
  headers: Record<string, string>,
  has: Held,
): string {
  return judge(asked, answer(status, headers), has, circumstances).kind
}

describe('what to ask for', () => {
  it('asks for the whole when nothing is held', () => {
    assert.deepEqual(ask({ size: 0, head: undefined, stale: undefined }), { kind: 'whole', headers: {} })
  })

  it('asks for the rest on a strong validator', () => {
    assert.deepEqual(ask(held(10)), {
      kind: 'rest',
      headers: { range: 'bytes=10-', 'if-range': '"1"' },
      source: undefined,
    })
  })

  it('asks for the whole with a weak validator, a date only, none, or where the origin takes no ranges', () => {
    const date = { 'last-modified': 'Mon, 23 Nov 2026 10:00:00 GMT' }
    for (const headers of [{ etag: 'W/"1"' }, date, {}, { etag: '"1"', 'accept-ranges': 'none' }])
      assert.equal(ask(held(10, headers)).kind, 'whole')
  })

  it('validates an entry only while nothing else is held', () => {
    const stale = { headers: { etag: '"1"' } } as Entry
    assert.deepEqual(ask({ size: 0, head: undefined, stale }), {
      kind: 'validate',
      headers: { 'if-none-match': '"1"' },
      source: undefined,
    })
    assert.equal(ask({ ...held(10), stale }).kind, 'rest')
  })
})

describe('what an answer means', () => {
  const rest = { 'content-range': 'bytes 10-999/1000', etag: '"1"' }

  it('appends a 206 with the right start, total and ETag, and no other', () => {
    assert.equal(verdict('rest', 206, rest, held(10)), 'append')
    assert.equal(verdict('rest', 206, { ...rest, 'content-range': 'bytes 10-999/*' }, held(10)), 'append')
    const unknown = held(10, { etag: '"1"' })
    assert.equal(verdict('rest', 206, rest, unknown), 'append')
    assert.equal(verdict('rest', 206, { ...rest, 'content-range': 'bytes 10-999/*' }, unknown), 'distrust')
    const wrong: Record<string, string>[] = [
      { ...rest, 'content-range': 'bytes 9-999/1000' },
      { ...rest, 'content-range': 'bytes 10-1000/1001' },
      { ...rest, 'content-range': 'bytes 10-' },
      { ...rest, etag: '"2"' },
      { ...rest, etag: 'W/"1"' },
      { ...rest, 'content-encoding': 'gzip' },
      { 'content-range': rest['content-range'] },
      { etag: '"1"' },
    ]
    for (const headers of wrong) assert.equal(verdict('rest', 206, headers, held(10)), 'distrust')
  })

  it('takes an unrequested 206 as no answer', () => {
    assert.equal(verdict('whole', 206, rest, held(10)), 'failure')
  })

  it('begins with a 200 when nothing is held, and compares when something is', () => {
    assert.equal(verdict('whole', 200, {}, { size: 0, head: undefined, stale: undefined }), 'begin')
    assert.equal(verdict('rest', 200, { etag: '"1"', 'content-length': '1000' }, held(10)), 'compare')
    assert.equal(verdict('whole', 200, { 'content-length': '1000' }, held(10)), 'compare')
  })

  it('sees another ETag or another length as another content', () => {
    assert.equal(verdict('rest', 200, { etag: '"2"', 'content-length': '1000' }, held(10)), 'changed')
    assert.equal(verdict('rest', 200, { etag: '"2"', 'content-length': '1001' }, held(10)), 'changed')
    assert.equal(verdict('whole', 200, { etag: '"1"', 'content-length': '1001' }, held(10)), 'changed')
    assert.equal(verdict('whole', 200, { etag: '"1"', 'content-encoding': 'gzip' }, held(10)), 'changed')
  })

  it('takes a 200 to a range for the whole only where its length or another ETag says so', () => {
    const rests = [
      { etag: '"1"', 'content-length': '990' },
      { etag: '"1"', 'content-length': '1001' },
      { etag: '"1"' },
      { 'content-length': '990' },
      { etag: '"2"', 'content-length': '990' },
    ] as Record<string, string>[]
    for (const headers of rests) assert.equal(verdict('rest', 200, headers, held(10)), 'distrust')
    assert.equal(verdict('rest', 200, { etag: '"1"', 'content-length': '990' }, held(10, { etag: '"1"' })), 'distrust')
  })

  it('knows from a 416 that a body without a length is complete', () => {
    const chunked = held(10, { etag: '"1"' })
    assert.equal(verdict('rest', 416, { 'content-range': 'bytes */10', etag: '"1"' }, chunked), 'complete')
    assert.equal(verdict('rest', 416, { 'content-range': 'bytes */10' }, chunked), 'distrust')
    assert.equal(verdict('rest', 416, { 'content-range': 'bytes */9', etag: '"1"' }, chunked), 'distrust')
    assert.equal(verdict('rest', 416, { 'content-range': 'bytes */10', etag: '"2"' }, chunked), 'distrust')
    assert.equal(verdict('rest', 416, {}, held(10)), 'distrust')
  })

  it('asks for the whole after a 412, and leaves other statuses to the table', () => {
    assert.equal(verdict('rest', 412, {}, held(10)), 'distrust')
    assert.equal(verdict('whole', 412, {}, held(10)), 'failure')
    assert.equal(verdict('rest', 404, {}, held(10)), 'failure')
    assert.equal(verdict('whole', 304, {}, held(0)), 'failure')
  })

  it('marks an answer that varies on what the client passed on', () => {
    const names = { ...circumstances, passedNames: ['authorization'] }
    assert.equal(headOf(answer(200, { vary: 'Accept, Authorization' }), names).varies, true)
    assert.equal(headOf(answer(200, { vary: '*' }), names).varies, true)
    assert.equal(headOf(answer(200, { vary: 'Accept-Encoding' }), names).varies, false)
    assert.equal(headOf(answer(200, { vary: 'Authorization' }), circumstances).varies, false)
  })
})
