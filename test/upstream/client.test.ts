import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import { Asker, read } from '../support/asking.js'
import { Origin, bytes, generated, latch } from '../support/origin.js'

describe('the upstream client', () => {
  let origin: Origin
  let asker: Asker
  const body = bytes('client', 300_000)

  beforeEach(async () => {
    origin = await Origin.start()
    asker = await Asker.open({ via: 'kiss-test' })
  })
  afterEach(async () => {
    await asker.close()
    await origin.close()
  })

  it('gives status, headers and bytes', async () => {
    origin.serve('/a', { body, etag: '"1"', type: 'text/x', extra: { 'x-many': ['1', '2'] } })
    const got = await asker.get(origin.url('/a?q=%20'))
    assert.deepEqual([got.status, got.headers['etag'], got.headers['content-type']], [200, '"1"', 'text/x'])
    assert.equal(got.headers['x-many'], '1, 2')
    assert.deepEqual(got.body, body)
    assert.equal(origin.log('/a')[0]!.path, '/a?q=%20')
  })

  it('asks for bytes as they are, says who it is, and passes on what it may', async () => {
    origin.serve('/a', { body })
    const headers = {
      'private-token': 't',
      range: 'bytes=5-9',
      host: 'other',
      'accept-encoding': 'gzip',
      te: 'trailers',
    }
    assert.equal((await asker.get(origin.url('/a#fragment'), { headers })).status, 206)
    const sent = origin.log('/a')[0]!.headers
    assert.deepEqual([sent['accept-encoding'], sent['via'], sent.accept], ['identity', '1.1 kiss-test', '*/*'])
    assert.match(sent['user-agent'] ?? '', /^kiss\/\d+\.\d+\.\d+/)
    assert.deepEqual([sent['private-token'], sent.range], ['t', 'bytes=5-9'])
    assert.deepEqual([sent.host, sent['te']], [`127.0.0.1:${origin.port}`, undefined])
  })

  it('does not decompress', async () => {
    origin.serve('/a', { body, gzip: true })
    const got = await asker.get(origin.url('/a'))
    assert.equal(got.headers['content-encoding'], 'gzip')
    assert.deepEqual(gunzipSync(got.body), body)
  })

  it('asks with HEAD, and conditionally', async () => {
    origin.serve('/a', { body, etag: '"1"' })
    const head = await asker.get(origin.url('/a'), { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, '300000', 0])
    const probe = await asker.get(origin.url('/a'), { headers: { 'if-none-match': '"1"' } })
    assert.deepEqual([probe.status, probe.body.length], [304, 0])
  })

  it('reads no more of an error page than its beginning', async () => {
    origin.script('/a', [{ status: 404, text: 'no such thing' }])
    origin.script('/b', [{ status: 500, text: 'é'.repeat(100_000) }])
    const missing = await asker.ask(origin.url('/a'))
    assert.deepEqual([missing.status, await missing.excerpt()], [404, 'no such thing'])
    assert.equal(await (await asker.ask(origin.url('/b'))).excerpt(), 'é'.repeat(2048))
  })

  it('gives what there is of an error page that is cut short', async () => {
    origin.script('/a', [{ status: 503, text: 'sorry, we are busy', cut: { after: 5 } }])
    assert.equal(await (await asker.ask(origin.url('/a'))).excerpt(), 'sorry')
  })

  for (const by of ['fin', 'rst'] as const) {
    it(`throws a network error when the body is cut by ${by}`, async () => {
      origin.script('/a', [{ body, cut: { after: 1000, by } }])
      const answer = await asker.ask(origin.url('/a'))
      await assert.rejects(read(answer), {
        code: by === 'fin' ? 'UND_ERR_SOCKET' : /^(ERR_CONNECTION_RESET|UND_ERR_SOCKET)$/,
      })
    })
  }

  it('throws a network error when a chunked body is cut', async () => {
    origin.script('/a', [{ body, framing: 'chunked', cut: { after: 1000 } }])
    await assert.rejects(asker.get(origin.url('/a')), { code: 'UND_ERR_SOCKET' })
  })

  it('throws when the body stalls, and not while its reader does', async () => {
    const stallTimeout = 2_000
    origin.script('/stalled', [{ body, stall: { after: 1000 } }])
    origin.serve('/large', { body: generated('large', 8_000_000) })
    const impatient = await Asker.open({ stallTimeout })
    try {
      const stalled = () => assert.rejects(impatient.get(origin.url('/stalled')), { code: 'UND_ERR_BODY_TIMEOUT' })
      const answer = await impatient.ask(origin.url('/large'))
      let length = 0
      for await (const part of answer.body) {
        // The time of the later request is over, and so is the time of this one.
        if (length === 0) await stalled()
        length += part.length
      }
      assert.equal(length, 8_000_000)
    } finally {
      await impatient.close()
    }
  })

  it('throws when there are no headers in time', async () => {
    origin.script('/a', [{ body, hold: latch().opened }])
    await assert.rejects(asker.get(origin.url('/a'), { headersTimeout: 50 }), { code: 'UND_ERR_HEADERS_TIMEOUT' })
  })

  it('does not count the body towards the time for headers', async () => {
    const rest = latch()
    origin.script('/a', [{ body, stall: { after: 10, until: rest.opened } }])
    origin.script('/silent', [{ body, hold: latch().opened }])
    const headersTimeout = 500
    const answer = await asker.ask(origin.url('/a'), { headersTimeout })
    // The time of the later request is over, and so is the time of this one.
    await assert.rejects(asker.get(origin.url('/silent'), { headersTimeout }), { code: 'UND_ERR_HEADERS_TIMEOUT' })
    rest.open()
    assert.deepEqual(await read(answer), body)
  })

  it('throws when headers are endless', async () => {
    origin.serve('/a', { body, extra: { 'x-long': 'x'.repeat(70_000) } })
    await assert.rejects(asker.get(origin.url('/a')), { code: 'UND_ERR_HEADERS_OVERFLOW' })
  })

  it('ends when it is aborted, before and within the body', async () => {
    origin.script('/a', [
      { body, hold: latch().opened },
      { body, stall: { after: 1000 } },
    ])
    const [first, second] = [new AbortController(), new AbortController()]
    const waiting = asker.get(origin.url('/a'), { signal: first.signal })
    await origin.requested('/a')
    first.abort(new Error('nobody waits'))
    await assert.rejects(waiting, /nobody waits/)
    const answer = await asker.ask(origin.url('/a'), { signal: second.signal })
    const reading = read(answer)
    second.abort(new Error('nobody reads'))
    await assert.rejects(reading, /nobody reads/)
    await assert.rejects(asker.get(origin.url('/a'), { signal: AbortSignal.abort(new Error('never')) }), /never/)
    assert.equal(origin.log('/a').length, 2)
  })

  it('passes network errors through as they are', async () => {
    const gone = origin.url('/a')
    await origin.close()
    await assert.rejects(asker.get(gone), { code: 'ECONNREFUSED' })
    await assert.rejects(asker.get('http://no-such-name.invalid/'), { code: /^(ENOTFOUND|EAI_AGAIN)$/ })
    origin = await Origin.start()
    origin.script('/a', [{ drop: 'fin' }, { drop: 'rst' }])
    await assert.rejects(asker.get(origin.url('/a')), { code: 'UND_ERR_SOCKET' })
    await assert.rejects(asker.get(origin.url('/a')), { code: 'ERR_CONNECTION_RESET' })
  })

  it('ends a body that is discarded', async () => {
    origin.script('/a', [{ body: generated('x', 50_000_000), throttle: 1_000_000 }])
    const answer = await asker.ask(origin.url('/a'))
    await answer.discard()
    await answer.discard()
    assert.ok((await origin.answered('/a')).sent < 50_000_000)
  })

  it('uses a connection again after a short body that was discarded', async () => {
    origin.serve('/a', { body: bytes('x', 100) })
    for (let n = 1; n <= 10; n++) {
      await (await asker.ask(origin.url('/a'))).discard()
      await origin.answered('/a', n)
    }
    assert.ok(origin.connections < 10)
  })

  it('ends a body whose reader stops in the middle', async () => {
    origin.script('/a', [{ body: generated('x', 50_000_000) }])
    const answer = await asker.ask(origin.url('/a'))
    await answer.body[Symbol.asyncIterator]().next()
    await answer.discard()
    assert.ok((await origin.answered('/a')).sent < 50_000_000)
  })

  it('ends everything when it is closed', async () => {
    origin.script('/a', [{ body, stall: { after: 1000 } }])
    const own = await Asker.open()
    const answer = await own.ask(origin.url('/a'))
    await own.close()
    await assert.rejects(read(answer), { code: 'UND_ERR_DESTROYED' })
    await assert.rejects(own.get(origin.url('/a')), { code: 'UND_ERR_DESTROYED' })
  })

  it('connects over IPv6', async function () {
    const six = await Origin.start({ host: '::1' }).catch(() => undefined)
    if (six === undefined) return this.skip()
    six.serve('/a', { body })
    assert.deepEqual((await asker.get(six.url('/a'))).body, body)
    await six.close()
  })

  it('tries every address of a name', async () => {
    const lookup = (_name: string, _options: object, callback: (error: null, found: object[]) => void) =>
      callback(null, [
        { address: '127.0.0.2', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ])
    const own = await Asker.open({}, { lookup: lookup as never })
    origin.serve('/a', { body })
    assert.deepEqual((await own.get(origin.url('/a', 'two.example'))).body, body)
    await own.close()
  })
})
