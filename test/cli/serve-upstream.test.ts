import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { pipeline } from 'node:stream'
import { Sandbox } from '../support/cli.js'
import { bytes, latch, Origin } from '../support/origin.js'
import { Proxy } from '../support/proxy.js'
import { Serving } from '../support/serving.js'
import { makeCertificates } from '../support/tls.js'
import { open } from '../server/support/client.js'
import { until } from '../support/until.js'

/** A port that leads to another, as a proxy before a server does. */
async function forwarding(to: number): Promise<{ readonly port: number; close(): Promise<void> }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    pipeline(socket, connect(to, '127.0.0.1'), socket, () => undefined)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

describe('the upstream connections of kiss serve', () => {
  const body = bytes('upstream', 60_000)
  let sandbox: Sandbox
  let origin: Origin
  let other: Origin
  const servers: Serving[] = []
  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    other = await Origin.start({ host: '127.0.0.2' })
    for (const one of [origin, other]) one.serve('/a', { body, etag: '"v1"' })
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop()
    await Promise.all([origin.close(), other.close()])
    sandbox.remove()
  })
  const serve = async (...args: string[]): Promise<Serving> => {
    const server = await Serving.start(sandbox, args)
    servers.push(server)
    return server
  }

  it('kiss serve connects to no private address unless it is allowed, and names the address and the setting', async () => {
    const kiss = await serve()
    const spellings = [origin.url('/a'), origin.url('/a', 'localhost'), origin.url('/a', '2130706433')]
    spellings.push(origin.url('/a', '0x7f.1'), origin.url('/a', '[::ffff:127.0.0.1]'), 'http://169.254.169.254/latest/')
    for (const url of spellings) {
      const answer = await kiss.fetch(url)
      assert.equal(answer.headers['content-type'], 'application/problem+json')
      const problem = JSON.parse(answer.text) as { status: number; code: string; detail: string }
      assert.deepEqual([answer.status, problem.status, problem.code], [403, 403, 'upstream-forbidden'], url)
      assert.match(problem.detail, /(127\.0\.0\.1|::1|169\.254\.169\.254).*--allow-upstream/)
    }
    assert.equal(origin.connections, 0)
  })

  it('kiss serve connects to an allowed address and port unless another list denies it', async () => {
    const kiss = await serve(
      ...['--allow-upstream', `127.0.0.1:${origin.port}`, '--allow-upstream', `127.0.0.2/31:${other.port}`],
      ...['--deny-upstream', `127.0.0.2:${other.port}`],
    )
    assert.equal((await kiss.fetch(origin.url('/a'))).status, 200)
    assert.equal((await kiss.fetch(other.url('/a'))).status, 403)
    const third = await Origin.start()
    try {
      assert.equal((await kiss.fetch(third.url('/a'))).status, 403)
      assert.deepEqual([other.connections, third.connections], [0, 0])
    } finally {
      await third.close()
    }
  })

  it('an allowed host name covers the addresses that it resolves to', async () => {
    const kiss = await serve('--allow-upstream', `localhost:${origin.port}`)
    assert.equal((await kiss.fetch(origin.url('/a', 'localhost'))).status, 200)
    assert.equal((await kiss.fetch(origin.url('/a'))).status, 403)
  })

  it('kiss serve checks the address of every redirect, and of a resumed download', async () => {
    origin.script('/moved', [{ redirect: other.url('/a') }])
    origin.script('/resumed', [{ body, etag: '"v1"', cut: { after: 20_000 } }, { redirect: other.url('/a') }])
    const kiss = await serve('--allow-upstream', '127.0.0.1')
    assert.equal((await kiss.fetch(origin.url('/moved'))).status, 403)
    const resumed = await kiss.fetch(origin.url('/resumed'))
    assert.deepEqual([resumed.status, resumed.complete, resumed.body.length], [200, false, 20_000])
    assert.equal(origin.log('/resumed').length, 2)
    assert.equal(other.connections, 0)
  })

  it('kiss serve never connects to itself: by name, by a redirect, through a proxy, or by its own Via', async () => {
    const kiss = await serve('--allow-upstream', '127.0.0.0/8', '--server-name', 'kiss.example')
    assert.equal((await kiss.fetch(kiss.fetchUrl(origin.url('/a')))).status, 508)
    assert.equal((await kiss.fetch(kiss.url.replace('127.0.0.1', 'localhost'))).status, 508)
    const back = kiss.fetchUrl(origin.url('/loop'))
    const proxied = await forwarding(kiss.port)
    const ways = [back, back.replace('127.0.0.1', 'localhost'), back.replace('127.0.0.1', 'kiss.example')]
    ways.push(back.replace(/:\d+/, `:${proxied.port}`), `http://127.0.0.1:${proxied.port}/`)
    try {
      for (const [n, redirect] of ways.entries()) {
        origin.script(`/loop${n}`, [{ redirect }])
        const answer = await kiss.fetch(origin.url(`/loop${n}`))
        const problem = JSON.parse(answer.text) as { code: string; detail: string }
        assert.deepEqual([answer.status, problem.code], [508, 'loop'], redirect)
        assert.match(problem.detail, /which is this server itself$|leads back to where it was asked for$/)
        assert.equal(origin.log(`/loop${n}`).length, 1)
      }
    } finally {
      await proxied.close()
    }
    await kiss.fetch(origin.url('/a'))
    const via = origin.log('/a')[0]?.headers.via ?? ''
    assert.match(via, /^1\.1 kiss-/)
    assert.equal((await kiss.fetch(origin.url('/a'), { headers: { Via: via } })).status, 508)
  })

  it('kiss serve runs --max-downloads at once; the others are shown as scheduled, and begin in order', async () => {
    for (const [flag, host] of [
      ['--max-downloads', other],
      ['--max-downloads-per-host', origin],
    ] as const) {
      const gate = latch()
      for (const name of ['/1', '/2', '/3']) origin.script(name, [{ body, stall: { after: 1000, until: gate.opened } }])
      const kiss = await serve('--allow-upstream', '127.0.0.0/8', flag, '1', '--cache-dir', `${sandbox.root}/${flag}`)
      const asking: Promise<number>[] = []
      for (const name of ['/1', '/2', '/3']) {
        asking.push(kiss.fetch(origin.url(name)).then(({ status }) => status))
        await until('all are counted', async () => {
          const status = await kiss.status()
          return status.resources_downloading + status.resources_scheduled === asking.length
        })
      }
      const { resources_downloading, resources_scheduled } = await kiss.status()
      assert.deepEqual([resources_downloading, resources_scheduled], [1, 2])
      if (host === other) assert.equal(other.connections, 0)
      else assert.equal((await kiss.fetch(other.url('/a'))).status, 200)
      const begun = origin.requests.length
      gate.open()
      assert.deepEqual(await Promise.all(asking), [200, 200, 200])
      assert.deepEqual(
        origin.requests.slice(begun - 1).map(({ path }) => path),
        ['/1', '/2', '/3'],
      )
      origin.requests.length = 0
    }
  })

  it('kiss serve downloads no faster than --max-rate', async () => {
    const kiss = await serve('--allow-upstream', '127.0.0.0/8', '--max-rate', '10kB')
    const slow = bytes('rate', 5_000_000)
    origin.serve('/slow', { body: slow })
    const answer = await open(kiss.fetchUrl(origin.url('/slow')))
    answer.resume()
    // Five megabytes over loopback take a moment; at this rate they take eight minutes.
    for (let look = 0; look < 200; look++) assert.equal((await kiss.status()).resources_downloading, 1)
    answer.destroy()
  })

  it('kiss serve trusts the certificates of --ca-file beside the usual ones', async () => {
    const made = await makeCertificates()
    const secure = await Origin.start({ tls: { key: made.key, cert: made.cert } })
    try {
      secure.serve('/a', { body })
      const args = ['--allow-upstream', '127.0.0.0/8']
      const fresh = ['--cache-dir', `${sandbox.root}/fresh`]
      assert.equal((await (await serve(...args)).fetch(secure.url('/a'))).status, 502)
      assert.equal(
        (await (await serve(...args, ...fresh, '--ca-file', made.caFile)).fetch(secure.url('/a'))).status,
        200,
      )
      const { code, stderr } = await sandbox.run(['serve', '--port', '0', '--ca-file', `${sandbox.root}/none`])
      assert.equal(code, 2, stderr)
    } finally {
      await secure.close()
      await made.remove()
    }
  })

  it('kiss serve connects through HTTP_PROXY, except to the hosts of NO_PROXY', async () => {
    const proxy = await Proxy.start()
    try {
      const kiss = await Serving.start(sandbox, ['--allow-upstream', '127.0.0.0/8'], {
        env: { HTTP_PROXY: proxy.url(), NO_PROXY: '127.0.0.2' },
      })
      servers.push(kiss)
      for (const one of [origin, other]) assert.equal((await kiss.fetch(one.url('/a'))).status, 200)
      assert.deepEqual(
        proxy.asked.map(({ target }) => target),
        [origin.url('/a')],
      )
    } finally {
      await proxy.close()
    }
  })

  it('kiss fetch connects to every address that is not denied', async () => {
    assert.equal((await sandbox.run(['fetch', origin.url('/a')])).code, 0)
    const denied = await sandbox.run(['fetch', other.url('/a')], { env: { KISS_DENY_UPSTREAM: '127.0.0.2' } })
    assert.equal(denied.code, 3)
    assert.match(denied.stderr, /--deny-upstream 127\.0\.0\.2/)
    assert.equal(other.connections, 0)
  })

  it('kiss serve connects over IPv6', async function () {
    const six = await Origin.start({ host: '::1' }).catch(() => undefined)
    if (six === undefined) return this.skip()
    try {
      six.serve('/a', { body })
      assert.equal((await (await serve()).fetch(six.url('/a'))).status, 403)
      assert.equal((await (await serve('--allow-upstream', '::1')).fetch(six.url('/a'))).status, 200)
    } finally {
      await six.close()
    }
  })

  it('kiss serve asks the mirrors of the configuration file first, and keeps the key of the requested URL', async () => {
    other.serve('/mirrored/a', { body, etag: '"v1"' })
    origin.serve('/b', { body })
    const places = `[${other.url('/nothing/')}, ${other.url('/mirrored/')}]`
    writeFileSync(sandbox.configFile, `mirrors:\n  - match: ${origin.url('/')}\n    to: ${places}\n`)
    const kiss = await serve('--allow-upstream', '127.0.0.1')
    const first = await kiss.fetch(origin.url('/a'))
    assert.deepEqual([first.status, first.body.equals(body)], [200, true])
    assert.deepEqual([origin.requests.length, other.log('/mirrored/a').length], [0, 1])
    assert.equal((await kiss.fetch(origin.url('/a'))).headers['cache-status'], 'kiss; hit')
    assert.equal((await kiss.fetch(origin.url('/b'))).status, 200)
    assert.equal(origin.log('/b').length, 1)
    const { stdout } = await sandbox.run(['list', '--json'])
    assert.deepEqual((JSON.parse(stdout) as { entries: { url: string }[] }).entries.map(({ url }) => url).sort(), [
      origin.url('/a'),
      origin.url('/b'),
    ])
  })
})
