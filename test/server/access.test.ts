import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import { Access } from '#kiss/server/access.js'
import { AddressSet, plainAddress } from '#kiss/http/addresses.js'
import { parseAuthority, Self } from '#kiss/server/self.js'
import { get, raw, type Answer } from './support/client.js'
import { testServers, type TestServer } from './support/servers.js'

const origin = 'https://origin.example/f'

describe('sets of addresses', () => {
  it('hold single addresses and CIDRs, of IPv4 and IPv6, mapped ones too', () => {
    const set = new AddressSet(['10.0.0.0/8', '192.168.1.5', '2001:db8::/32', '::1'], '--allow-client')
    for (const address of ['10.1.2.3', '192.168.1.5', '2001:db8::5', '::1', '::ffff:10.1.2.3', '[2001:DB8::1]']) {
      assert.ok(set.has(address), address)
    }
    for (const address of ['11.0.0.1', '192.168.1.6', '2001:db9::1', '::2', 'nonsense', '']) {
      assert.ok(!set.has(address), address)
    }
    assert.equal(plainAddress('::ffff:1.2.3.4'), '1.2.3.4')
    const mapped = new AddressSet(['::ffff:10.0.0.0/104', '::ffff:192.168.1.5'], '--allow-client')
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '192.168.1.5']) assert.ok(mapped.has(address), address)
    for (const address of ['11.0.0.1', '192.168.1.6', '::a00:1']) assert.ok(!mapped.has(address), address)
  })

  it('refuse what is none, naming the flag', () => {
    for (const cidr of ['10.0.0.0/33', '10.0.0/8', 'host', '::/129', '10.0.0.0/8/8', '10.0.0.0/', '']) {
      assert.throws(
        () => new AddressSet([cidr], '--allow-client'),
        (error) => error instanceof KissError && error.code === 'usage' && error.message.startsWith('--allow-client: '),
        cidr,
      )
    }
  })
})

describe('the client behind proxies', () => {
  const access = new Access({ trustProxies: ['10.0.0.0/8', '127.0.0.1'] })
  const clientOf = (peer: string, forwarded?: string): string | undefined =>
    access.clientOf(peer, forwarded === undefined ? {} : { 'x-forwarded-for': forwarded })

  it('is the peer when the peer is no trusted proxy, whatever it claims', () => {
    assert.equal(clientOf('192.0.2.1', '10.0.0.5'), '192.0.2.1')
    assert.equal(clientOf('::ffff:192.0.2.1'), '192.0.2.1')
  })

  it('is the rightmost address that is not a trusted proxy', () => {
    assert.equal(clientOf('10.0.0.1', '192.0.2.7'), '192.0.2.7')
    assert.equal(clientOf('10.0.0.1', '198.51.100.1, 192.0.2.7, 10.0.0.2'), '192.0.2.7')
    assert.equal(clientOf('10.0.0.1', '10.9.9.9, 10.0.0.2'), '10.9.9.9')
    assert.equal(clientOf('10.0.0.1', '192.0.2.7:4711'), '192.0.2.7')
    assert.equal(clientOf('10.0.0.1', '[2001:db8::1]:4711'), '2001:db8::1')
    assert.equal(clientOf('10.0.0.1'), '10.0.0.1')
  })

  it('is unknown when a trusted proxy names no address', () => {
    assert.equal(clientOf('10.0.0.1', '192.0.2.7, unknown'), undefined)
    assert.ok(!new Access({ allowClients: ['0.0.0.0/0'] }).admitsAddress(undefined))
  })
})

describe('who may use the server', () => {
  const start = testServers()
  const withHello = async (options: Parameters<typeof start>[0]): Promise<TestServer> => {
    const server = await start(options)
    server.engine.serve(origin, 'hello')
    return server
  }
  const problem = (answer: Answer): unknown => (JSON.parse(answer.text) as { code: unknown }).code

  it('is told by --allow-client; everybody may ask for the health', async () => {
    const server = await withHello({ access: { allowClients: ['192.0.2.0/24'] } })
    for (const path of [server.fetchUrl(origin), `${server.url}api/v1/status/`, server.url, `${server.url}nowhere`]) {
      const answer = await get(path)
      assert.deepEqual([answer.status, problem(answer)], [403, 'client-forbidden'], path)
    }
    assert.equal((await get(`${server.url}api/v1/health/`)).status, 200)
    assert.equal(server.engine.requests.length, 0)
  })

  it('is told through a trusted proxy', async () => {
    const access = { allowClients: ['192.0.2.0/24'], trustProxies: ['127.0.0.1'] }
    const server = await withHello({ access })
    const ask = async (forwarded: string): Promise<number> =>
      (await get(server.fetchUrl(origin), { headers: { 'X-Forwarded-For': forwarded } })).status
    assert.deepEqual([await ask('192.0.2.7'), await ask('192.0.2.7, 203.0.113.1')], [200, 403])
    assert.equal(server.records.records[0]?.client, '192.0.2.7')
  })

  it('is told by a token where there is one', async () => {
    const server = await withHello({ access: { clientTokens: ['right'], adminTokens: ['admin'] } })
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await get(server.fetchUrl(origin), { headers })).status
    assert.equal(await ask({}), 403)
    assert.equal(await ask({ 'X-Kiss-Token': 'wrong' }), 403)
    assert.equal(await ask({ 'X-Kiss-Token': 'right, right' }), 403)
    assert.equal(await ask({ Authorization: 'Bearer right' }), 403)
    assert.equal(await ask({ 'X-Kiss-Token': 'right' }), 200)
    assert.equal(await ask({ Authorization: 'Bearer admin' }), 200)
  })

  it('may show that token to pages as a browser does', async () => {
    const server = await withHello({ access: { clientTokens: ['right'] } })
    const url = `${server.url}api/v1/status/`
    const refused = await get(url)
    assert.deepEqual(
      [refused.status, refused.headers['www-authenticate']],
      [401, 'Basic realm="kiss", charset="UTF-8"'],
    )
    const Authorization = `Basic ${Buffer.from('me:right').toString('base64')}`
    assert.equal((await get(url, { headers: { Authorization } })).status, 200)
    assert.equal((await get(url, { headers: { 'X-Kiss-Token': 'right' } })).status, 200)
    assert.equal((await get(`${server.url}api/v1/health/`)).status, 200)
  })

  it('may purge only with the admin token, and not at all where none is set', async () => {
    const plain = await withHello({})
    const answer = await get(plain.fetchUrl(origin), { method: 'DELETE', headers: { Authorization: 'Bearer ' } })
    assert.deepEqual([answer.status, answer.headers.allow], [405, 'GET, HEAD'])

    const server = await withHello({ access: { adminTokens: ['admin'] } })
    const remove = (Authorization: string): Promise<Answer> =>
      get(server.fetchUrl(origin), { method: 'DELETE', headers: { Authorization } })
    for (const wrong of ['Bearer wrong', 'Bearer', 'Bearer admin2', '']) {
      const refused = await remove(wrong)
      assert.deepEqual([refused.status, refused.headers['www-authenticate']], [401, 'Bearer realm="kiss"'], wrong)
    }
    assert.equal(server.engine.purges.length, 0)
    const done = await remove('Bearer admin')
    assert.deepEqual([done.status, JSON.parse(done.text)], [200, { removed: 1, bytes: 5 }])
    assert.deepEqual(server.engine.purges[0]?.urls?.map(String), [origin])
  })
})

describe('the names of the server', () => {
  it('are read from a Host field', () => {
    assert.deepEqual(parseAuthority('Kiss.Example.:80'), { host: 'kiss.example', port: 80 })
    assert.deepEqual(parseAuthority('[::1]:8001'), { host: '::1', port: 8001 })
    assert.deepEqual(parseAuthority('127.0.0.1'), { host: '127.0.0.1', port: undefined })
    for (const text of ['', 'a b', 'user@host', 'host:port', 'host:123456', '[::1', '[host]', 'a/b']) {
      assert.equal(parseAuthority(text), undefined, text)
    }
  })

  const self = (host: string, serverNames: string[] = []): Self =>
    new Self({
      host,
      address: host === 'localhost' ? '127.0.0.1' : host,
      port: 8001,
      serverNames,
      addresses: ['192.0.2.1'],
      via: 'kiss-1',
    })

  it('are checked when it listens on loopback or has server names', () => {
    assert.ok(self('0.0.0.0').answersTo('anything.example'))
    for (const listening of [self('127.0.0.1'), self('localhost'), self('::1'), self('0.0.0.0', ['Kiss.Example'])]) {
      assert.ok(!listening.answersTo('evil.example'))
      for (const host of ['localhost', '127.0.0.1', '::1', '192.0.2.9']) assert.ok(listening.answersTo(host), host)
    }
    assert.ok(self('127.0.0.1', ['kiss.example']).answersTo('kiss.example'))
  })

  it('are checked by where it listens, however that was said; what was said counts as a name', () => {
    const options = { port: 8001, serverNames: [], addresses: [], via: undefined }
    for (const [host, address] of [
      ['::ffff:127.0.0.1', '::ffff:127.0.0.1'],
      ['0:0::1', '::1'],
      ['Lab-7.', '127.0.1.1'],
    ] as const) {
      const listening = new Self({ ...options, host, address })
      assert.ok(!listening.answersTo('evil.example'), host)
      if (host === 'Lab-7.') assert.ok(listening.answersTo('lab-7'))
    }
  })

  it('are joined by its addresses where a name leads to one', () => {
    assert.ok(self('127.0.0.1').listensAt('127.0.0.1', 8001))
    assert.ok(self('127.0.0.1').listensAt('::ffff:127.0.0.1', 8001))
    assert.ok(!self('127.0.0.1').listensAt('127.0.0.1', 8002))
    assert.ok(!self('127.0.0.1').listensAt('127.0.0.2', 8001))
    for (const address of ['127.0.0.9', '::1', '192.0.2.1', '0.0.0.0']) {
      assert.ok(self('0.0.0.0').listensAt(address, 8001), address)
    }
    assert.ok(!self('0.0.0.0').listensAt('192.0.2.2', 8001))
  })

  it('are recognised in URLs that would lead back', () => {
    const named = (server: Self, url: string, asked?: string): boolean =>
      server.isNamedBy(new URL(url), asked === undefined ? undefined : parseAuthority(asked))
    assert.ok(named(self('127.0.0.1'), 'http://127.0.0.1:8001/x'))
    assert.ok(named(self('127.0.0.1'), 'http://2130706433:8001/x'))
    assert.ok(named(self('127.0.0.1'), 'http://localhost:8001/x'))
    assert.ok(!named(self('127.0.0.1'), 'http://127.0.0.1:8002/x'))
    assert.ok(!named(self('127.0.0.1'), 'http://127.0.0.2:8001/x'))
    assert.ok(named(self('0.0.0.0'), 'http://192.0.2.1:8001/x'))
    assert.ok(named(self('::'), 'http://[::ffff:127.0.0.1]:8001/x'))
    assert.ok(named(self('0.0.0.0', ['kiss.example']), 'http://KISS.example:8001/x'))
    assert.ok(named(self('0.0.0.0'), 'http://kiss.lab:8001/x', 'kiss.lab:8001'))
    assert.ok(named(self('0.0.0.0', ['kiss.example']), 'https://kiss.example/api/v1/fetch?url=x'))
    assert.ok(!named(self('0.0.0.0', ['kiss.example']), 'https://kiss.example/files/Image.gz'))
    assert.ok(named(self('0.0.0.0'), 'http://kiss.lab/api/v1/fetch?url=x', 'kiss.lab'))
    assert.ok(!named(self('0.0.0.0'), 'http://kiss.lab:9001/api/v1/fetch?url=x', 'kiss.lab:8001'))
    assert.ok(!named(self('127.0.0.1'), 'http://127.0.0.1:9001/api/v1/fetch?url=x', '127.0.0.1:8001'))
    assert.ok(!named(self('0.0.0.0'), 's3://bucket/key'))
  })

  it('are found in Via', () => {
    assert.ok(self('::').hasPassed('1.1 other, HTTP/1.1 KISS-1 (comment)'))
    assert.ok(!self('::').hasPassed('1.1 kiss-12, 1.1 x'))
    assert.ok(!self('::').hasPassed(undefined))
  })
})

describe('a request', () => {
  const start = testServers()

  it('for a foreign Host is answered 421', async () => {
    const server = await start()
    for (const [host, status] of [
      ['evil.example', 421],
      ['evil.example:80', 421],
      ['localhost:1', 200],
      ['127.0.0.1', 200],
      ['[::1]:8001', 200],
      ['a b', 400],
      ['user@localhost', 400],
    ] as const) {
      assert.equal((await get(`${server.url}api/v1/status/`, { headers: { Host: host } })).status, status, host)
    }
    assert.equal((await get(`${server.url}api/v1/health/`, { headers: { Host: 'evil.example' } })).status, 200)
    const named = await start({ serverNames: ['kiss.example'] })
    assert.equal((await get(`${named.url}api/v1/status/`, { headers: { Host: 'kiss.example' } })).status, 200)
  })

  it('that has passed this server, or would lead back to it, is answered 508', async () => {
    const server = await start({ via: 'kiss-abc' })
    server.engine.serve(origin, 'hello')
    const passed = await get(server.fetchUrl(origin), { headers: { Via: '1.1 kiss-abc' } })
    assert.equal(passed.status, 508)
    for (const path of ['', 'api/v1/status/', 'api/v1/health/', 'nowhere']) {
      const headers = { Via: '1.1 proxy, 1.1 kiss-abc', Host: 'evil.example' }
      assert.equal((await get(`${server.url}${path}`, { headers })).status, 508, path)
    }
    assert.equal((await get(server.fetchUrl(server.fetchUrl(origin)))).status, 508)
    assert.equal((await get(server.fetchUrl(origin), { headers: { Via: '1.1 kiss-other' } })).status, 200)
  })

  it('with a URL of more than 8 KiB is answered 414, with more than 32 KiB of headers 431', async () => {
    const server = await start()
    const long = await get(server.fetchUrl(`https://o/${'x'.repeat(8200)}`))
    assert.equal(long.status, 414)
    const large = await raw(server.port, `GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(40_000)}\r\n\r\n`)
    assert.match(large, /^HTTP\/1\.1 431 /)
  })
})
