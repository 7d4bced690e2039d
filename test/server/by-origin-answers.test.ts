/** Which answers a server stores when the origin decides, and what it passes on of requests and answers. */
import assert from 'node:assert/strict'
import { bytes, latch, sha256 } from '../support/origin.js'
import { byOriginLab, fresh } from './support/by-origin.js'
import { get, open, readAll, type ClientOptions } from './support/client.js'

describe('a server that stores the answers that the origin allows', () => {
  const here = byOriginLab()
  const { answers, start, asked } = here

  it('stores no answer that is private, not to be stored, or for a credential', async () => {
    const { server, ask } = await start()
    const table: [name: string, headers: Record<string, string>, client?: ClientOptions][] = [
      ['no-store', { 'cache-control': 'max-age=60, no-store' }],
      ['private', { 'cache-control': 'max-age=60, private' }],
      ['authorization', fresh, { headers: { authorization: 'Basic eDp5' } }],
      ['token', fresh, { headers: { 'private-token': 'sesame' } }],
      ['cookie', fresh, { headers: { cookie: 'session=1' } }],
    ]
    for (const [name, headers, client] of table) {
      answers(`/${name}`, { headers, body: '1' }, { headers, body: '2' })
      assert.deepEqual([(await ask(`/${name}`, client)).text, (await ask(`/${name}`)).text], ['1', '2'], name)
      for (const [field, value] of Object.entries(client?.headers ?? {}))
        assert.equal(here.origin.log(`/${name}`)[0]!.headers[field], value)
    }
    answers('/userinfo', { headers: fresh, body: '1' }, { headers: fresh, body: '2' })
    const url = here.origin.url('/userinfo').replace('//', '//me:sesame@')
    await get(`${server.url}api/v1/fetch?url=${encodeURIComponent(url)}`)
    assert.equal((await ask('/userinfo')).text, '2')
    answers('/public', { headers: { 'cache-control': 'max-age=60, public' }, body: '1' }, { body: '2' })
    await ask('/public', { headers: { authorization: 'Basic eDp5' } })
    assert.equal((await ask('/public')).text, '1')
  })

  it('keeps one answer for each selection that Vary names', async () => {
    const headers = { ...fresh, vary: 'Foo' }
    answers('/a', { headers, body: '1' }, { headers, body: '2' }, { headers, body: '3' })
    const { ask } = await start()
    const foo = async (value?: string) => (await ask('/a', { headers: value === undefined ? {} : { foo: value } })).text
    assert.deepEqual([await foo('x'), await foo('y'), await foo()], ['1', '2', '3'])
    assert.deepEqual([await foo('x'), await foo('y'), await foo()], ['1', '2', '3'])
    assert.equal(asked('/a'), 3)
    answers('/star', { headers: { ...fresh, vary: '*' }, body: '1' }, { body: '2' })
    assert.deepEqual([(await ask('/star')).text, (await ask('/star')).text], ['1', '2'])
  })

  it('gives no empty body to a client that was promised another sum, whether it is stored or passed on', async () => {
    const { ask } = await start()
    for (const [path, headers] of [
      ['/stored', fresh],
      ['/passed', { 'cache-control': 'no-store' }],
    ] as const) {
      answers(path, { headers: { ...headers, 'content-length': '0' } })
      for (const sum of [sha256(bytes('x', 1)), sha256(Buffer.alloc(0))]) {
        const { status } = await ask(path, {}, `&sha256=${sum}`)
        assert.equal(status, sum === sha256(Buffer.alloc(0)) ? 200 : 412, path)
      }
    }
  })

  it('passes every status on with its body, and stores the answers that allow it', async () => {
    const { ask } = await start()
    for (const status of [203, 299, 301, 302, 307, 400, 404, 410, 500, 503, 599]) {
      const headers = { ...fresh, location: '/else' }
      answers(`/${status}`, { status, headers, body: `body of ${status}` }, { status: 200, body: 'other' })
      for (let i = 0; i < 2; i++) {
        const { status: got, text, headers: fields } = await ask(`/${status}`)
        assert.deepEqual([got, text, fields.location], [status, `body of ${status}`, here.origin.url('/else')])
      }
      assert.equal(asked(`/${status}`), 1)
    }
    answers('/plain', { status: 503, body: 'busy' }, { status: 200, body: 'well' })
    assert.deepEqual([(await ask('/plain')).status, (await ask('/plain')).status], [503, 200])
    answers('/empty', { status: 204, headers: fresh })
    assert.equal((await ask('/empty')).status, 204)
    assert.match(String((await ask('/empty')).headers['cache-status']), /^kiss; hit/)
  })

  it('passes on no field of an origin that would act for the server', async () => {
    answers('/a', {
      headers: {
        ...fresh,
        'set-cookie': ['a=b', 'c=d'],
        'strict-transport-security': 'max-age=1',
        'clear-site-data': '"*"',
        'content-disposition': 'inline',
        'content-security-policy': "default-src 'self'",
        'content-type': 'text/html',
      },
      body: '<script>',
    })
    const { ask } = await start()
    for (let i = 0; i < 2; i++) {
      const { headers } = await ask('/a')
      for (const name of ['set-cookie', 'strict-transport-security', 'clear-site-data'])
        assert.equal(headers[name], undefined, name)
      assert.equal(headers['content-disposition'], 'attachment; filename="a"')
      assert.deepEqual([headers['content-security-policy'], headers['x-content-type-options']], ['sandbox', 'nosniff'])
    }
  })

  it('forwards the end-to-end fields of requests, and answers their conditions from the stored answer', async () => {
    const lastModified = new Date(here.clock.now() - 3_600_000).toUTCString()
    answers('/a', { headers: { ...fresh, etag: '"1"', 'last-modified': lastModified }, body: 'one' })
    const { ask } = await start()
    await ask('/a', {
      headers: { 'user-agent': 'test/1', 'accept-encoding': 'br', 'x-own': 'y', 'x-forwarded-for': '1.2.3.4' },
    })
    const { headers } = here.origin.log('/a')[0]!
    assert.deepEqual(
      ['user-agent', 'accept-encoding', 'x-own', 'x-forwarded-for'].map((name) => headers[name]),
      ['test/1', 'br', 'y', undefined],
    )
    const known = await ask('/a', { headers: { 'if-none-match': '"0", "1"' } })
    assert.deepEqual([known.status, known.text, known.headers.etag], [304, '', '"1"'])
    assert.equal((await ask('/a', { headers: { 'if-modified-since': lastModified } })).status, 304)
    assert.equal((await ask('/a', { headers: { 'if-none-match': '"0"' } })).text, 'one')
    assert.equal(asked('/a'), 1)
    answers('/unknown', { status: 304, headers: { etag: '"7"' } })
    assert.equal((await ask('/unknown', { headers: { 'if-none-match': '"7"' } })).status, 304)
  })

  it('answers a HEAD from a stored GET, and forwards another HEAD', async () => {
    answers('/a', { headers: { ...fresh, etag: '"1"', a: '1' }, body: 'one' })
    here.origin.script('/b', [
      { method: 'HEAD', body: bytes('head', 3), extra: { ...fresh, a: '2' }, etag: '"1"' },
      { method: 'GET', body: bytes('head', 3), extra: { ...fresh, a: '1' }, etag: '"1"' },
    ])
    const { ask } = await start()
    await ask('/a')
    const head = await ask('/a', { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers['content-length'], head.headers['a']], [200, '3', '1'])
    assert.equal(asked('/a'), 1)
    assert.equal((await ask('/b', { method: 'HEAD' })).status, 200)
    assert.equal(here.origin.log('/b')[0]!.method, 'HEAD')
  })

  it('serves ranges of a stored body, stores parts, and completes a part by its strong validator', async () => {
    const body = bytes('parts', 100)
    here.origin.serve('/whole', { body, etag: '"1"', extra: fresh })
    here.origin.serve('/part', { body, etag: '"1"', extra: fresh })
    const { ask } = await start()
    const range = (value: string) => ({ headers: { range: value } })
    await ask('/whole')
    const middle = await ask('/whole', range('bytes=10-19'))
    assert.deepEqual([middle.status, middle.headers['content-range']], [206, 'bytes 10-19/100'])
    assert.ok(middle.body.equals(body.subarray(10, 20)))
    assert.equal(asked('/whole'), 1)

    assert.ok((await ask('/part', range('bytes=0-49'))).body.equals(body.subarray(0, 50)))
    const within = await ask('/part', range('bytes=10-19'))
    assert.deepEqual([within.status, within.headers['content-range']], [206, 'bytes 10-19/100'])
    assert.ok(within.body.equals(body.subarray(10, 20)))
    assert.equal(asked('/part'), 1)
    assert.ok((await ask('/part')).body.equals(body))
    const { headers } = here.origin.log('/part')[1]!
    assert.deepEqual([headers.range, headers['if-range']], ['bytes=50-', '"1"'])
    assert.ok((await ask('/part')).body.equals(body))
    assert.equal(asked('/part'), 2)
  })

  it('passes interim answers of the origin to the client', async () => {
    here.origin.script('/a', [
      {
        handler: (_, response) => {
          response.writeEarlyHints({ link: '</style.css>; rel=preload', 'x-own': '1' })
          response.end('one')
        },
      },
    ])
    const { server } = await start()
    const url = new URL(`${server.url}api/v1/fetch?url=${encodeURIComponent(here.origin.url('/a'))}`)
    const { request } = await import('node:http')
    const hints = await new Promise((resolve, reject) => {
      request(url, { agent: false }, (message) => message.resume())
        .on('information', (info) => resolve([info.statusCode, info.headers]))
        .on('error', reject)
        .end()
    })
    assert.deepEqual(hints, [103, { link: '</style.css>; rel=preload', 'x-own': '1' }])
  })

  it('makes one request for equal ones at the same time, and shares the bytes while they arrive', async () => {
    const gate = latch()
    const body = bytes('herd', 200_000)
    here.origin.script('/a', [{ body, etag: '"1"', extra: fresh, stall: { after: 1000, until: gate.opened } }])
    const { server, ask } = await start()
    const url = `${server.url}api/v1/fetch?url=${encodeURIComponent(here.origin.url('/a'))}`
    const clients = await Promise.all(Array.from({ length: 10 }, () => open(url)))
    const late = await open(url)
    gate.open()
    for (const got of await Promise.all([...clients, late].map(readAll))) assert.ok(got.body.equals(body))
    assert.match(String(late.headers['cache-status']), /collapsed/)
    assert.equal(asked('/a'), 1)
    assert.match(String((await ask('/a')).headers['cache-status']), /^kiss; hit/)
  })

  it('gives each client its own answer if none may be shared', async () => {
    const headers = { 'cache-control': 'private' }
    answers('/a', ...Array.from({ length: 5 }, (_, i) => ({ headers, body: String(i) })))
    const { ask } = await start()
    const got = await Promise.all(Array.from({ length: 5 }, () => ask('/a')))
    assert.deepEqual(got.map(({ text }) => text).sort(), ['0', '1', '2', '3', '4'])
  })
})
