import assert from 'node:assert/strict'
import type { UpstreamProvider } from '#kiss/provider/types.js'
import { Asker, plain } from '../support/asking.js'
import { Origin, bytes, latch } from '../support/origin.js'

describe('asking mirrors', () => {
  let origin: Origin
  let one: Origin
  let two: Origin
  let asker: Asker
  let now: number
  let told: string[]
  const body = bytes('mirrored', 1000)

  beforeEach(async () => {
    ;[now, told] = [0, []]
    ;[origin, one, two] = await Promise.all([Origin.start(), Origin.start(), Origin.start()])
    origin.serve('/pub/a', { body, etag: '"origin"' })
    one.serve('/m/a', { body, etag: '"one"' })
    two.serve('/a', { body, etag: '"two"' })
    const mirrors = [{ match: origin.url('/pub/'), to: [one.url('/m'), two.url('/')] }]
    // The guard lets nobody but the origin itself through: mirrors need no permission.
    const clock = { monotonic: () => now, sleep: async () => undefined }
    const warn = (line: string): void => void told.push(line)
    asker = await Asker.open({ allow: [`127.0.0.1:${origin.port}`], mirrors, warn }, { clock })
  })
  afterEach(async () => {
    await asker.close()
    await Promise.all([origin.close(), one.close(), two.close()])
  })

  /** Who was asked, and which of them answered. */
  async function asked(request: Parameters<Asker['get']>[1] = {}): Promise<(string | undefined)[]> {
    const before = [one, two, origin].map((server) => server.requests.length)
    const got = await asker.get(origin.url('/pub/a'), request)
    const names = ['one', 'two', 'origin']
    const asked = [one, two, origin].flatMap((server, n) => (server.requests.length > before[n]! ? names[n] : []))
    return [...asked, got.headers['etag']]
  }

  it('a download takes the first mirror that has the artifact, and names it', async () => {
    const got = await asker.get(origin.url('/pub/a'))
    assert.deepEqual([got.source, got.body], [one.url('/m/'), body])
    assert.deepEqual(await asked(), ['one', '"one"'])
    assert.equal((await asker.get(origin.url('/pub/a'), { method: 'HEAD' })).source, one.url('/m/'))
  })

  it('a download goes on to the next mirror, and last to the origin', async () => {
    one.script('/m/a', [
      { status: 404 },
      { status: 503 },
      { drop: 'rst' },
      { redirect: 'http://10.0.0.1/' },
      { status: 200 },
    ])
    for (const why of ['404', '503', 'reset', 'forbidden']) {
      assert.deepEqual(await asked(), ['one', 'two', '"two"'], why)
    }
    one.script('/m/a', [{ status: 403 }])
    two.script('/a', [{ drop: 'fin' }])
    assert.deepEqual(await asked(), ['one', 'two', 'origin', '"origin"'])
    assert.equal((await asker.get(origin.url('/pub/a'))).source, undefined)
    await Promise.all([one.close(), two.close()])
    assert.equal((await asker.get(origin.url('/pub/a'))).headers['etag'], '"origin"')
    ;[one, two] = await Promise.all([Origin.start(), Origin.start()])
  })

  it('a download does not wait long for a slow mirror', async () => {
    for (const slow of [{ hold: latch().opened }, { etag: '"one"', stall: { after: 0 } }]) {
      one.script('/m/a', [{ body, ...slow }])
      assert.deepEqual(await asked({ headersTimeout: 300 }), ['one', 'two', '"two"'])
      now += 10_000
    }
  })

  it('a download goes on after a refusal of a mirror whose page never comes, and does not rest the mirror', async () => {
    one.script('/m/a', [{ status: 404, text: 'no such file', stall: { after: 0 } }])
    // Longer than the time for a first byte, which would be waited for.
    for (const n of [1, 2]) assert.deepEqual(await asked({ headersTimeout: 3000 }), ['one', 'two', '"two"'], String(n))
    assert.deepEqual(told, [])
  })

  it('a mirror that cannot be connected to is not asked for ten seconds, with one warning', async () => {
    const { port } = one
    await one.close()
    assert.deepEqual(await asked(), ['two', '"two"'])
    const down = `the mirror http://127.0.0.1:${port}/m/ is down (ECONNREFUSED); asking it again in 10 s`
    assert.deepEqual(told, [down])
    one = await Origin.start({ port })
    one.serve('/m/a', { body, etag: '"one"' })
    now = 9_999
    assert.deepEqual(await asked(), ['two', '"two"'])
    assert.equal(one.connections, 0)
    now = 10_000
    assert.deepEqual(await asked(), ['one', '"one"'])
    assert.deepEqual(told, [down, `the mirror http://127.0.0.1:${port}/m/ answers again`])
    assert.deepEqual(await asked(), ['one', '"one"'])
  })

  it('a mirror that was too slow is tried again with one request at a time', async () => {
    const held = latch()
    one.script('/m/a', [
      { body, hold: latch().opened },
      { body, hold: held.opened },
      { body, etag: '"one"' },
    ])
    assert.deepEqual(await asked({ headersTimeout: 300 }), ['one', 'two', '"two"'])
    assert.match(told[0] ?? '', /is down \(UND_ERR_HEADERS_TIMEOUT\)/)
    now = 10_000
    const trying = asker.get(origin.url('/pub/a'))
    await one.requested('/m/a', 2)
    assert.deepEqual(await asked(), ['two', '"two"'])
    held.open()
    assert.equal((await trying).source, one.url('/m/'))
    assert.deepEqual(await asked(), ['one', '"one"'])
    assert.equal(told.length, 2)
  })

  it('a mirror that redirects to a dead server does not rest', async () => {
    const gone = await Origin.start()
    one.script('/m/a', [{ redirect: gone.url('/') }])
    const allowing = { allow: ['127.0.0.0/8'], mirrors: [{ match: origin.url('/pub/'), to: [one.url('/m')] }] }
    const own = await Asker.open({ ...allowing, warn: (line) => void told.push(line) })
    await gone.close()
    for (const n of [1, 2]) {
      assert.equal((await own.get(origin.url('/pub/a'))).source, undefined)
      assert.equal(one.requests.length, n)
    }
    assert.deepEqual(told, [])
    await own.close()
  })

  it('a download asks only the origin while all mirrors are down', async () => {
    await Promise.all([one.close(), two.close()])
    for (const n of [1, 2, 3]) {
      assert.equal((await asker.get(origin.url('/pub/a'))).headers['etag'], '"origin"')
      assert.deepEqual([told.length, origin.requests.length], [2, n])
    }
    ;[one, two] = await Promise.all([Origin.start(), Origin.start()])
  })

  it('a question to a mirror ends with the request that is aborted', async () => {
    one.script('/m/a', [{ body, hold: latch().opened }])
    const gone = new AbortController()
    const asking = asker.get(origin.url('/pub/a'), { signal: gone.signal })
    await one.requested('/m/a')
    gone.abort(new Error('gone'))
    await assert.rejects(asking, /gone/)
    assert.equal(two.requests.length + origin.requests.length, 0)
  })

  it('a download fails with the failure of the origin when no mirror has the artifact', async () => {
    for (const [server, path] of [
      [one, '/m/a'],
      [two, '/a'],
      [origin, '/pub/a'],
    ] as const) {
      server.script(path, [{ status: 404, text: server === origin ? 'the origin' : 'a mirror' }])
    }
    const answer = await asker.ask(origin.url('/pub/a'))
    assert.deepEqual([answer.status, answer.source, await answer.excerpt()], [404, undefined, 'the origin'])
  })

  it('a mirror sees no header of a client, and is not asked for private artifacts', async () => {
    const headers = { 'x-own': 'secret' }
    assert.deepEqual(await asked({ headers }), ['one', '"one"'])
    assert.equal(one.requests.at(-1)!.headers['x-own'], undefined)
    assert.deepEqual(await asked({ headers, clientCredential: true }), ['origin', '"origin"'])
    const carriesCredential = (url: URL) => url.pathname.endsWith('/a')
    assert.deepEqual(await asked({ provider: { ...plain, carriesCredential } }), ['origin', '"origin"'])
    const got = await asker.get(origin.url('/pub/a').replace('//', '//u:p@'))
    assert.equal(got.headers['etag'], '"origin"')
  })

  it('a mirror receives no credential of a provider', async () => {
    const authorise: UpstreamProvider['authorise'] = async (request) => ({
      ...request,
      headers: { authorization: 'x' },
    })
    assert.deepEqual(await asked({ provider: { ...plain, authorise } }), ['one', '"one"'])
    assert.equal(one.requests.at(-1)!.headers.authorization, undefined)
  })

  it('validators and ranges go only to the mirror or origin that they came from', async () => {
    const ofTwo = { headers: { range: 'bytes=10-', 'if-range': '"two"' }, source: two.url('/') }
    const resumed = await asker.get(origin.url('/pub/a'), ofTwo)
    assert.deepEqual([resumed.status, resumed.source, one.requests.length], [206, two.url('/'), 0])
    two.script('/a', [{ status: 404 }])
    const elsewhere = await asker.get(origin.url('/pub/a'), ofTwo)
    assert.deepEqual([elsewhere.status, elsewhere.source], [200, one.url('/m/')])
    one.script('/m/a', [{ status: 404 }])
    assert.equal((await asker.get(origin.url('/pub/a'), ofTwo)).status, 200)
    assert.equal(origin.requests.at(-1)!.headers.range, undefined)
    const ofOrigin = { headers: { 'if-none-match': '"origin"' } }
    const before = one.requests.length + two.requests.length
    assert.equal((await asker.get(origin.url('/pub/a'), ofOrigin)).status, 304)
    assert.equal(one.requests.length + two.requests.length, before)
  })

  it('the address of a mirror is open to no other request', async () => {
    await assert.rejects(asker.get(one.url('/m/a')), { code: 'upstream-forbidden' })
    const denying = await Asker.open({
      deny: [`127.0.0.1:${one.port}`],
      mirrors: [{ match: origin.url('/pub/'), to: [one.url('/m')] }],
    })
    assert.equal((await denying.get(origin.url('/pub/a'))).source, undefined)
    assert.equal(one.connections, 0)
    await denying.close()
  })
})
