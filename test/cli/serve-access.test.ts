import assert from 'node:assert/strict'
import { copyFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { connect as connectTls } from 'node:tls'
import { project, Sandbox } from '../support/cli.js'
import { bytes, Origin } from '../support/origin.js'
import { Serving } from '../support/serving.js'
import { deaf, get, raw } from '../server/support/client.js'

/** The common name of the certificate that a new connection is shown. */
function certificateOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

/** Resolves when the log says so from now on. */
function logged({ running }: Serving, text: string): Promise<void> {
  return new Promise((resolve) => {
    let log = ''
    const look = (chunk: string): void => {
      log += chunk
      if (!log.includes(text)) return
      running.child.stderr.off('data', look)
      resolve()
    }
    running.child.stderr.on('data', look)
  })
}

describe('access to kiss serve', () => {
  const body = bytes('access', 3_000_000)
  let sandbox: Sandbox
  let origin: Origin
  const servers: Serving[] = []
  const sockets: Socket[] = []
  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    origin.serve('/a', { body, etag: '"v1"' })
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    for (const server of servers.splice(0)) await server.stop()
    await origin.close()
    sandbox.remove()
  })
  const serve = async (...args: string[]): Promise<Serving> => {
    const server = await Serving.start(sandbox, ['--allow-upstream', '127.0.0.0/8', ...args])
    servers.push(server)
    return server
  }
  const file = (name: string, text: string): string => {
    writeFileSync(path.join(sandbox.root, name), text)
    return path.join(sandbox.root, name)
  }

  it('kiss serve answers the clients of --allow-client, and behind --trust-proxy looks at the rightmost address that is no proxy', async () => {
    const closed = await serve('--allow-client', '192.0.2.0/24')
    assert.equal((await closed.fetch(origin.url('/a'))).status, 403)
    assert.equal((await get(`${closed.url}api/v1/health/`)).status, 200)
    assert.equal((await closed.fetch(origin.url('/a'), { headers: { 'X-Forwarded-For': '192.0.2.1' } })).status, 403)

    const behind = await serve('--allow-client', '192.0.2.0/24', '--trust-proxy', '127.0.0.1')
    const ask = async (forwarded: string): Promise<number> =>
      (await behind.fetch(origin.url('/a'), { headers: { 'X-Forwarded-For': forwarded } })).status
    assert.deepEqual(
      [await ask('192.0.2.1'), await ask('192.0.2.1, 127.0.0.1'), await ask('192.0.2.1, 203.0.113.1'), await ask('x')],
      [200, 200, 403, 403],
    )
  })

  it('kiss serve answers clients with a token of --client-token-file, and sends that token to no origin', async () => {
    const kiss = await serve('--client-token-file', file('tokens', 'old-token-of-clients\nnew-token-of-clients\n'))
    const ask = (headers: Record<string, string>) => kiss.fetch(origin.url('/a'), { headers })
    for (const headers of [{}, { 'X-Kiss-Token': 'wrong' }, { Authorization: 'Bearer new-token-of-clients' }] as const)
      assert.equal((await ask(headers)).status, 403)
    assert.equal(origin.requests.length, 0)
    for (const token of ['old-token-of-clients', 'new-token-of-clients'])
      assert.equal((await ask({ 'X-Kiss-Token': token, Authorization: 'Bearer of-the-origin' })).status, 200)
    const other = await get(`${kiss.fetchUrl(origin.url('/a?2'))}&passheaders=X-Kiss-Token,Authorization`, {
      headers: { 'X-Kiss-Token': 'new-token-of-clients', Authorization: 'Bearer new-token-of-clients' },
    })
    assert.equal(other.status, 200)
    assert.equal(origin.requests[0]?.headers.authorization, 'Bearer of-the-origin')
    assert.doesNotMatch(JSON.stringify(origin.requests), /(old|new)-token-of/)
  })

  it('kiss serve purges for the admin token as a Bearer, and for no client without --admin-token-file', async () => {
    const remove = async (kiss: Serving, token: string): Promise<number> =>
      (await kiss.fetch(origin.url('/a'), { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } })).status
    assert.equal(await remove(await serve(), ''), 405)
    const kiss = await serve('--admin-token-file', file('admin', 'the-admin-of-the-lab\n'))
    assert.deepEqual([await remove(kiss, 'wrong'), await remove(kiss, 'the-admin-of-the-lab')], [401, 200])
    await kiss.fetch(origin.url('/a'), { headers: { Authorization: 'Bearer the-admin-of-the-lab' } })
    assert.doesNotMatch(JSON.stringify(origin.requests), /the-admin/)
  })

  it('kiss serve answers 421 to a foreign Host, and serves a --server-name', async () => {
    const ask = async (kiss: Serving, Host: string): Promise<number> =>
      (await get(`${kiss.url}api/v1/status/`, { headers: { Host } })).status
    const plain = await serve()
    assert.deepEqual([await ask(plain, 'evil.example'), await ask(plain, 'localhost')], [421, 200])
    const named = await serve('--server-name', 'kiss.example')
    assert.deepEqual([await ask(named, 'kiss.example:80'), await ask(named, 'evil.example')], [200, 421])
  })

  it('kiss serve encrypts with --tls-cert and --tls-key, and reads both again on SIGHUP', async () => {
    const [cert, key] = [path.join(sandbox.root, 'cert.pem'), path.join(sandbox.root, 'key.pem')]
    const use = (name: string): void => {
      copyFileSync(path.join(project, `test/data/tls/${name}-cert.pem`), cert)
      copyFileSync(path.join(project, `test/data/tls/${name}-key.pem`), key)
    }
    use('first')
    const kiss = await serve('--tls-cert', cert, '--tls-key', key)
    assert.equal(await certificateOf(kiss.port), 'first')
    use('second')
    const again = logged(kiss, 'certificate read again')
    kiss.running.child.kill('SIGHUP')
    await again
    assert.equal(await certificateOf(kiss.port), 'second')
    writeFileSync(cert, 'nonsense')
    const kept = logged(kiss, 'the old ones stay')
    kiss.running.child.kill('SIGHUP')
    await kept
    assert.equal(await certificateOf(kiss.port), 'second')
  })

  it('kiss serve takes certificates that the configuration file names anew, and names a change to HTTP as one for a restart', async () => {
    const pair = (name: string): string =>
      ['cert', 'key'].map((part) => `tls-${part}: ${project}/test/data/tls/${name}-${part}.pem\n`).join('')
    const config = file('config.yaml', pair('first'))
    const kiss = await serve('--config', config)
    assert.equal(await certificateOf(kiss.port), 'first')
    for (const [yaml, text] of [
      [pair('second'), 'settings read again'],
      ['{}\n', 'in force after a restart: tls-cert, tls-key'],
    ] as const) {
      file('config.yaml', yaml)
      const seen = logged(kiss, text)
      kiss.running.child.kill('SIGHUP')
      await seen
      assert.equal(await certificateOf(kiss.port), 'second')
    }
  })

  it('kiss serve refuses short tokens, and warns when every client may use it', async () => {
    const short = await sandbox.run(['serve', '--check', '--admin-token-file', file('short', 'fifteen-letters\n')])
    assert.equal(short.code, 2)
    assert.match(short.stderr, /a token in .*short has fewer than 16 characters/)
    const exposed = 'every client that reaches 0.0.0.0 may use this server'
    const open = await serve('--host', '0.0.0.0')
    open.running.child.kill('SIGTERM')
    assert.ok((await open.running.ended).stderr.includes(exposed))
    const closed = await serve('--host', '0.0.0.0', '--allow-client', '127.0.0.1')
    closed.running.child.kill('SIGTERM')
    assert.ok(!(await closed.running.ended).stderr.includes('everybody'))
  })

  it('kiss serve --check checks the settings and serves nothing', async () => {
    const good = await sandbox.run(['serve', '--check'])
    assert.deepEqual([good.code, good.stdout], [0, 'the settings can be used\n'])
    for (const [args, reason] of [
      [['--tls-cert', file('cert', 'x'), '--tls-key', file('key', 'x')], /cannot use/],
      [['--client-token-file', 'none'], /cannot read/],
      [['--config', file('mirrors.yaml', 'mirrors: 5\n')], /mirrors/],
      [['--config', file('s3.yaml', 's3: {nonsense: 1}\n')], /plugin @kiss\/s3: .*nonsense/],
      [['--allow-upstream', 'a/b/c'], /allow-upstream/],
      [['--ca-file', 'nowhere.pem'], /cannot read the certificates in .*nowhere\.pem: ENOENT/],
    ] as const) {
      const bad = await sandbox.run(['serve', '--check', ...args])
      assert.equal(bad.code, 2, args.join(' '))
      assert.match(bad.stderr, reason)
    }
    const socks = await sandbox.run(['serve', '--check'], { env: { ALL_PROXY: 'socks5://u:hidden@127.0.0.1:1080' } })
    assert.equal(socks.code, 2)
    assert.match(socks.stderr, /^kiss: ALL_PROXY names a SOCKS proxy, .*unset it for kiss\n$/)
  })

  it('kiss serve reads clients, tokens, upstreams and quota again on SIGHUP, and a broken file changes nothing', async () => {
    const [config, admins] = [file('config.yaml', 'quota: 1GiB\n'), file('admins', 'the-admin-of-the-lab\n')]
    const kiss = await serve('--config', config, '--admin-token-file', admins)
    const hangup = async (text: string): Promise<void> => {
      const seen = logged(kiss, text)
      kiss.running.child.kill('SIGHUP')
      await seen
    }
    const status = async (): Promise<{ disk_quota: number }> =>
      (await (await fetch(`${kiss.url}api/v1/status/`)).json()) as { disk_quota: number }
    const fetched = async (name: string): Promise<number> => (await kiss.fetch(origin.url(name))).status
    const purged = async (token: string): Promise<number> =>
      (await kiss.fetch(origin.url('/a'), { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } })).status
    assert.deepEqual([(await status()).disk_quota, await fetched('/a')], [1024 ** 3, 200])

    file('config.yaml', 'quota: 2GiB\ndeny-upstream: 127.0.0.1\ndefault-ttl: 1d\n')
    file('admins', 'another-admin-of-the-lab\n')
    await hangup('in force after a restart: default-ttl')
    assert.equal((await status()).disk_quota, 2 * 1024 ** 3)
    assert.equal(await fetched('/b'), 403)
    assert.deepEqual([await purged('the-admin-of-the-lab'), await purged('another-admin-of-the-lab')], [401, 200])

    file('config.yaml', 'quota: 3GiB\nallow-client: [10.0.0.1]\nmirrors: nonsense\n')
    await hangup('the old ones stay')
    assert.deepEqual([(await status()).disk_quota, (await fetch(kiss.url)).status], [2 * 1024 ** 3, 200])

    file('config.yaml', 'allow-client: [10.0.0.1]\n')
    await hangup('settings read again')
    assert.equal((await fetch(kiss.url)).status, 403)
  })

  it('kiss serve still answers beside 300 clients that read nothing, 500 broken requests and 50 slow ones', async () => {
    const kiss = await serve()
    assert.equal((await kiss.fetch(origin.url('/a'))).status, 200)
    const request = `GET /api/v1/fetch?url=${encodeURIComponent(origin.url('/a'))} HTTP/1.1\r\nHost: localhost\r\n`
    for (let n = 0; n < 300; n++) sockets.push(await deaf(kiss.port, `${request}\r\n`))
    for (let n = 0; n < 50; n++) {
      const slow = connect(kiss.port, '127.0.0.1')
      slow.on('error', () => undefined)
      slow.write(request.slice(0, 10 + n))
      sockets.push(slow)
    }
    const broken = Array.from({ length: 500 }, (_, n) =>
      raw(kiss.port, `${'\0'.repeat(n % 5)}GET nonsense ${n}\r\n\r\n`),
    )
    const honest = await kiss.fetch(origin.url('/a'))
    assert.ok(honest.body.equals(body))
    for (const answer of await Promise.all(broken)) assert.match(answer, /^HTTP\/1\.1 400 /)
    assert.ok((await kiss.fetch(origin.url('/a'))).body.equals(body))
    // All of them are still there: nobody had to be thrown out for that.
    assert.ok(sockets.every((socket) => !socket.destroyed))
    assert.equal(origin.requests.length, 1)
  })

  it('kiss serve refuses a URL above 8 KiB and headers above 32 KiB', async () => {
    const kiss = await serve()
    assert.equal((await kiss.fetch(`${origin.url('/')}${'x'.repeat(8192)}`)).status, 414)
    const large = await raw(kiss.port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`)
    assert.match(large, /^HTTP\/1\.1 431 /)
    assert.equal((await kiss.fetch(`${origin.url('/a')}?${'x'.repeat(8000)}`)).status, 200)
  })
})
