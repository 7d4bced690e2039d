import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import type { Engine } from '#kiss/engine/types.js'
import { startServer, type RunningServer, type ServerOptions } from '#kiss/server/server.js'
import { get, open, readAll, take, type Answer, type ClientOptions } from '../../server/support/client.js'
import { TestLog } from '../../server/support/servers.js'
import { bytes, latch, sha256, type Step } from '../../support/origin.js'
import { matrix, readUpTo } from './lab.js'
import { until } from '../../support/until.js'

const LENGTH = 300_000
const HALF = 150_000
const body = bytes('server', LENGTH)
const other = bytes('other', LENGTH)
const cut = { after: HALF }

matrix('faults: as a client of the server sees them', LENGTH, (lab) => {
  const running: RunningServer[] = []
  afterEach(() => Promise.all(running.splice(0).map((server) => server.close())))

  /** Starts a server; resolves with the URL at which it serves a path of the origin. */
  async function serve(
    limits: ServerOptions['limits'] = {},
    shared?: Engine,
  ): Promise<(path: string, more?: string) => string> {
    const engine = shared ?? (await lab.engine())
    const server = await startServer({ engine, log: new TestLog(), host: '127.0.0.1', port: 0, version: '1', limits })
    running.push(server)
    return (path, more = '') => `${server.url}api/v1/fetch?url=${encodeURIComponent(lab.origin.url(path))}${more}`
  }

  async function ask(path: string, more?: string, options?: ClientOptions): Promise<Answer> {
    return get((await serve())(path, more), options)
  }

  const mended: Readonly<Record<string, readonly Step[]>> = {
    '503 twice': [{ status: 503 }, { status: 503 }, { body, etag: '"1"' }],
    'a cut': [{ body, etag: '"1"', cut }, {}],
    'a reset without a validator': [{ body, cut: { after: HALF, by: 'rst' } }, {}],
    'a cut of a chunked body': [{ body, framing: 'chunked', cut }, {}],
    'a 206 with a wrong start': [{ body, etag: '"1"', cut }, { partial: { start: 7 } }, {}],
    'a 412 on the resume': [{ body, etag: '"1"', cut }, { status: 412 }, {}],
  }
  for (const [name, steps] of Object.entries(mended)) {
    it(`a client gets 200 and every byte in spite of ${name}`, async () => {
      lab.origin.script('/s', steps)
      const answer = await ask('/s')
      assert.deepEqual([answer.status, answer.complete], [200, true])
      assert.ok(answer.body.equals(body))
      lab.wasAsked('/s', steps.length)
      assert.match(String(answer.headers['cache-status']), /^kiss; fwd=uri-miss; fwd-status=200; stored$/)
    })
  }

  const early: readonly (readonly [string, Step, number, string])[] = [
    ['503 for ever', { status: 503 }, 502, 'origin-unreachable'],
    ['501', { status: 501 }, 502, 'origin-failed'],
    ['404', { status: 404 }, 404, 'origin-refused'],
    ['401', { status: 401 }, 401, 'origin-refused'],
    ['a dropped connection for ever', { drop: 'rst' }, 502, 'origin-unreachable'],
  ]
  for (const [name, step, status, code] of early) {
    it(`a client gets ${status} with problem+json and no byte of the artifact after ${name}`, async () => {
      lab.origin.script('/s', [step])
      const answer = await ask('/s')
      assert.deepEqual([answer.status, answer.complete], [status, true])
      assert.equal(answer.headers['content-type'], 'application/problem+json')
      assert.equal((JSON.parse(answer.text) as { code: string }).code, code)
      assert.equal(answer.headers['retry-after'] !== undefined, status === 502)
    })
  }

  const late: Readonly<Record<string, readonly Step[]>> = {
    'the origin is gone in the middle': [{ body, etag: '"1"', cut }, { drop: 'fin' }],
    'the origin is gone in the middle of a chunked body': [{ body, framing: 'chunked', cut }, { drop: 'fin' }],
    'a 404 on the resume': [{ body, etag: '"1"', cut }, { status: 404 }],
    'content that changed': [
      { body, etag: '"1"', cut },
      { body: other, etag: '"2"' },
    ],
    'content that changed, without a validator or a length': [{ body, framing: 'chunked', cut }, { body: other }],
  }
  for (const [name, steps] of Object.entries(late)) {
    for (const [version, more] of Object.entries({ 'HTTP/1.1': {}, 'a range': { headers: { range: 'bytes=10-' } } })) {
      it(`the server closes the connection before the end of the body (${version}): ${name}`, async () => {
        lab.origin.script('/s', steps)
        const answer = await ask('/s', '', more)
        const first = answer.status === 206 ? 10 : 0
        assert.equal(answer.complete, false)
        assert.ok(answer.body.equals(body.subarray(first, HALF)))
      })
    }
  }

  it('a client gets 504 with Retry-After and the reason when no first byte comes in time, and the next client gets the body', async () => {
    const hold = latch()
    lab.origin.script('/s', [{ status: 503 }, { body, hold: hold.opened }])
    const engine = await lab.engine()
    const answer = await get((await serve({ patience: 100 }, engine))('/s'))
    assert.equal(answer.status, 504)
    assert.equal(answer.headers['content-type'], 'application/problem+json')
    assert.ok(Number(answer.headers['retry-after']) > 0)
    assert.match(answer.text, /the origin answered 503|has not answered yet/)
    hold.open()
    await lab.origin.answered('/s', 2)
    const next = await get((await serve({}, engine))('/s'))
    assert.ok(next.body.equals(body))
    lab.wasAsked('/s', 2)
  })

  it('the server closes the connection of a client when no byte comes in time, and the download continues', async () => {
    const rest = latch()
    lab.origin.script('/s', [{ body, stall: { after: HALF, until: rest.opened } }])
    const engine = await lab.engine()
    const log = new TestLog()
    const server = await startServer({
      engine,
      log,
      host: '127.0.0.1',
      port: 0,
      version: '1',
      limits: { patience: 200 },
    })
    running.push(server)
    const url = `${server.url}api/v1/fetch?url=${encodeURIComponent(lab.origin.url('/s'))}`
    const warm = await lab.open(engine, '/s')
    await readUpTo(warm, HALF)
    const answer = await get(url)
    assert.deepEqual([answer.status, answer.complete], [200, false])
    assert.ok(answer.body.equals(body.subarray(0, HALF)))
    rest.open()
    assert.ok(await warm.finished())
    await warm.close('done')
    lab.wasAsked('/s', 1)
  })

  for (const framing of ['length', 'chunked', 'close'] as const) {
    it(`no client gets the last byte of a body with a wrong sum (${framing}), and later clients get 412`, async () => {
      lab.origin.serve('/s', { body, framing })
      const url = await serve()
      const promise = `&sha256=${'0'.repeat(64)}`
      const answer = await get(url('/s', promise))
      assert.equal(answer.complete && answer.status === 200, false)
      assert.ok(answer.status === 412 || answer.body.length < LENGTH)
      const again = await get(url('/s', promise))
      assert.deepEqual([again.status, again.headers['content-type']], [412, 'application/problem+json'])
      assert.ok((await get(url('/s', `&sha256=${sha256(body)}`))).body.equals(body))
      assert.equal(lab.asked('/s').filter((line) => line === 'GET').length, 1)
    })
  }

  it('a client gets 412 for an empty body with a wrong sum', async () => {
    lab.origin.serve('/s', { body: Buffer.alloc(0) })
    assert.equal((await ask('/s', `&sha256=${'0'.repeat(64)}`)).status, 412)
  })

  it('passes an unrequested Content-Encoding on, with the bytes as sent', async () => {
    lab.origin.serve('/s', { body, gzip: true, etag: '"1"' })
    const url = await serve()
    const compressed = gzipSync(body)
    const head = await get(url('/s'), { method: 'HEAD' })
    const answers = [
      await get(url('/s')),
      await get(url('/s')),
      await get(url('/s'), { headers: { range: 'bytes=10-' } }),
    ]
    for (const { headers } of [head, ...answers]) assert.equal(headers['content-encoding'], 'gzip')
    assert.deepEqual(
      answers.map(({ status, body }) => [status, compressed.subarray(-body.length).equals(body)]),
      [
        [200, true],
        [200, true],
        [206, true],
      ],
    )
  })

  it('says nothing of the coding identity, nor of what is no coding', async () => {
    for (const coding of ['identity', 'Identity', 'a b', '']) {
      lab.origin.serve('/s', { body, extra: { 'content-encoding': coding } })
      const answer = await get((await serve())('/s'))
      assert.deepEqual([answer.headers['content-encoding'], answer.body.equals(body)], [undefined, true])
    }
  })

  it('a HEAD of an unknown URL gets 200 and the length from the download when the origin refuses HEAD', async () => {
    lab.origin.serve('/s', { body, refusesHead: true })
    const url = await serve()
    const head = await get(url('/s'), { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers['content-length']], [200, String(LENGTH)])
    assert.ok((await get(url('/s'))).body.equals(body))
    lab.wasAsked('/s', ['GET'])
  })

  it('a range far ahead waits for its bytes, across a cut', async () => {
    const hold = latch()
    lab.origin.script('/s', [{ body, etag: '"1"', cut }, { hold: hold.opened }])
    const url = await serve()
    const ahead = await open(url('/s'), { headers: { range: `bytes=${LENGTH - 100}-` } })
    assert.equal(ahead.statusCode, 206)
    const behind = await get(url('/s'), { headers: { range: `bytes=0-${HALF - 1}` } })
    assert.ok(behind.body.equals(body.subarray(0, HALF)))
    hold.open()
    assert.ok((await readAll(ahead)).body.equals(body.subarray(LENGTH - 100)))
    lab.wasAsked('/s', ['GET', `GET bytes=${HALF}- if "1"`])
  })

  it('a client that vanishes is noticed, and stops nothing', async () => {
    const rest = latch()
    lab.origin.script('/s', [{ body, stall: { after: HALF, until: rest.opened } }])
    const url = await serve()
    const readers = (): number => running.reduce((sum, server) => sum + server.readers, 0)
    const leaving = await open(url('/s'))
    await take(leaving, 1000)
    assert.equal(readers(), 1)
    leaving.destroy()
    await until('no reader', () => readers() === 0)
    rest.open()
    const next = await get(url('/s'))
    assert.ok(next.complete && next.body.equals(body))
    lab.wasAsked('/s', 1)
  })
})
