import assert from 'node:assert/strict'
import { mirrorsFor, parseMirrors, targetsOf } from '#kiss/upstream/mirrors.js'
import type { UpstreamProvider } from '#kiss/provider/types.js'
import { Asker, plain } from '../support/asking.js'
import { Origin, bytes, latch } from '../support/origin.js'

const request = {
  method: 'GET',
  headers: {},
  provider: plain,
  clientCredential: false,
  headersTimeout: 60_000,
  signal: new AbortController().signal,
} as const

function targets(match: string, to: string[], url: string): string[] {
  return targetsOf(parseMirrors([{ match, to }]), new URL(url)).map(({ url }) => url.href)
}

describe('mirrors', () => {
  it('replace what stands before the last / ahead of a star', () => {
    const to = ['http://mirror.lab/m']
    const table: readonly (readonly [string, string, string[]])[] = [
      ['https://a.example/pub/', 'https://a.example/pub/x/y?q=1', ['http://mirror.lab/m/x/y?q=1']],
      ['https://a.example/pub/**', 'https://a.example/pub/x/y', ['http://mirror.lab/m/x/y']],
      ['https://a.example/pub/*', 'https://a.example/pub/x/y', []],
      ['https://a.example/pub/*', 'https://a.example/pub/x', ['http://mirror.lab/m/x']],
      ['https://a.example/pub/linux-*.tar', 'https://a.example/pub/linux-6.tar', ['http://mirror.lab/m/linux-6.tar']],
      ['https://a.example/pub/one.img', 'https://a.example/pub/one.img', ['http://mirror.lab/m/one.img']],
      ['https://a.example/pub/one.img', 'https://a.example/pub/oneXimg', []],
      ['https://*.example/**', 'https://a.example/x/y', ['http://mirror.lab/m/a.example/x/y']],
      ['https://*.example/**', 'https://a.example.org/x', []],
      ['https://a.example/', 'http://a.example/x', []],
      ['https://a.example/', 'https://u:p@a.example/x#f', ['http://mirror.lab/m/x']],
      ['s3://bucket/**', 's3://bucket/a%20b', ['http://mirror.lab/m/a%20b']],
    ]
    for (const [match, url, found] of table) assert.deepEqual(targets(match, to, url), found, `${match} ${url}`)
  })

  it('match patterns that are written without percent-encoding', () => {
    assert.deepEqual(targets('https://a.example/a b|c/*', ['http://m.lab/'], 'https://a.example/a%20b%7Cc/x'), [
      'http://m.lab/x',
    ])
  })

  it('are not asked for paths that could lead out of their folder', () => {
    const rules = parseMirrors([{ match: 'http://cdn.example/**', to: ['http://m.lab/pub/'] }])
    const asked = (path: string): number =>
      mirrorsFor({ ...request, url: new URL(`http://cdn.example${path}`) }, rules).length
    for (const path of [
      '/..%2finternal%2fpasswords.txt',
      '/a%2Fb',
      '/a%5cb',
      '/%252e%252e/x',
      '/a/%252e./x',
      '/..%252fx',
      '/..%25252fx',
      '/a/%252e',
      '/..;/x',
      '/..%00/x',
      '/%2e%2e;/x',
      '/..%20/x',
      '/%c0%ae%c0%ae/x',
      '/..%e0%80%af/x',
      '/%f0%80%80%ae%f0%80%80%ae/x',
      '/..%EF%BC%8Finternal/x',
      '/%EF%BC%8E%EF%BC%8E/x',
      '/..%EF%BC%BCx',
    ]) {
      assert.equal(asked(path), 0, path)
    }
    for (const path of ['/100%25.img', '/a/...', '/.config', '/a..b/x', '/%C3%A9', '/%EF%BC%A1', '/a%20b'])
      assert.equal(asked(path), 1, path)
  })

  it('are tried in order, those of every pattern that matches', () => {
    const rules = parseMirrors([
      { match: 'https://a.example/x/', to: ['http://one.lab/', 'http://two.lab/'] },
      { match: 'https://a.example/**', to: ['http://u:p@three.lab/'] },
    ])
    const found = targetsOf(rules, new URL('https://a.example/x/y'))
    assert.deepEqual(
      found.map(({ name }) => name),
      ['http://one.lab/', 'http://two.lab/', 'http://three.lab/'],
    )
  })

  it('are refused where pattern or target cannot be read', () => {
    for (const [match, to] of [
      ['a.example/', 'http://m/'],
      ['https://a.example/?x', 'http://m/'],
      ['https://a.example/', 'm'],
      ['https://a.example/', 's3://m/'],
      ['https://a.example/', 'http://m/?x'],
    ] as const) {
      assert.throws(
        () => parseMirrors([{ match, to: [to] }]),
        { code: 'usage', message: /^mirrors: / },
        `${match} ${to}`,
      )
    }
  })
})

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

  it('takes the first that has it, and says which', async () => {
    const got = await asker.get(origin.url('/pub/a'))
    assert.deepEqual([got.source, got.body], [one.url('/m/'), body])
    assert.deepEqual(await asked(), ['one', '"one"'])
    assert.equal((await asker.get(origin.url('/pub/a'), { method: 'HEAD' })).source, one.url('/m/'))
  })

  it('goes on to the next, and last to the origin', async () => {
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

  it('does not wait long for a slow one', async () => {
    for (const slow of [{ hold: latch().opened }, { etag: '"one"', stall: { after: 0 } }]) {
      one.script('/m/a', [{ body, ...slow }])
      assert.deepEqual(await asked({ headersTimeout: 300 }), ['one', 'two', '"two"'])
      now += 10_000
    }
  })

  it('goes on after a refusal whose page never comes, and does not rest the mirror', async () => {
    one.script('/m/a', [{ status: 404, text: 'no such file', stall: { after: 0 } }])
    // Longer than the time for a first byte, which would be waited for.
    for (const n of [1, 2]) assert.deepEqual(await asked({ headersTimeout: 3000 }), ['one', 'two', '"two"'], String(n))
    assert.deepEqual(told, [])
  })

  it('leaves one that cannot be connected to alone for ten seconds, and says so once', async () => {
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

  it('tries one that was too slow again, with one request at a time', async () => {
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

  it('does not rest a mirror that redirects to a dead server', async () => {
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

  it('asks only the origin while all mirrors are down', async () => {
    await Promise.all([one.close(), two.close()])
    for (const n of [1, 2, 3]) {
      assert.equal((await asker.get(origin.url('/pub/a'))).headers['etag'], '"origin"')
      assert.deepEqual([told.length, origin.requests.length], [2, n])
    }
    ;[one, two] = await Promise.all([Origin.start(), Origin.start()])
  })

  it('ends with the request that is aborted', async () => {
    one.script('/m/a', [{ body, hold: latch().opened }])
    const gone = new AbortController()
    const asking = asker.get(origin.url('/pub/a'), { signal: gone.signal })
    await one.requested('/m/a')
    gone.abort(new Error('gone'))
    await assert.rejects(asking, /gone/)
    assert.equal(two.requests.length + origin.requests.length, 0)
  })

  it('gives the failure of the origin when no mirror has the artifact', async () => {
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

  it('shows a mirror no header of a client, and asks none for what is private', async () => {
    const headers = { 'x-own': 'secret' }
    assert.deepEqual(await asked({ headers }), ['one', '"one"'])
    assert.equal(one.requests.at(-1)!.headers['x-own'], undefined)
    assert.deepEqual(await asked({ headers, clientCredential: true }), ['origin', '"origin"'])
    const carriesCredential = (url: URL) => url.pathname.endsWith('/a')
    assert.deepEqual(await asked({ provider: { ...plain, carriesCredential } }), ['origin', '"origin"'])
    const got = await asker.get(origin.url('/pub/a').replace('//', '//u:p@'))
    assert.equal(got.headers['etag'], '"origin"')
  })

  it('lends a mirror nothing of a provider', async () => {
    const authorise: UpstreamProvider['authorise'] = async (request) => ({
      ...request,
      headers: { authorization: 'x' },
    })
    assert.deepEqual(await asked({ provider: { ...plain, authorise } }), ['one', '"one"'])
    assert.equal(one.requests.at(-1)!.headers.authorization, undefined)
  })

  it('asks about validators and ranges where they come from, and others without them', async () => {
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

  it('opens the address of a mirror to no other request', async () => {
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
