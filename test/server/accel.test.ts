import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { accelPrefix } from '#kiss/server/accel.js'
import { startServer, type RunningServer, type ServerOptions } from '#kiss/server/server.js'
import { Sandbox } from '../support/cli.js'
import { testEngines } from '../support/engine.js'
import { bytes, Origin, sha256 } from '../support/origin.js'
import { get, type ClientOptions } from './support/client.js'
import { TestLog } from './support/servers.js'
import { until } from '../support/until.js'

describe('answers for a proxy that sends the bytes', () => {
  const engines = testEngines()
  const body = bytes('accel', 10_000)
  let origin: Origin
  let server: RunningServer | undefined
  beforeEach(async () => {
    origin = await Origin.start()
    origin.serve('/f', { body, etag: '"v1"' })
  })
  afterEach(async () => {
    await server?.close()
    await origin.close()
  })

  /** A server that has `/f`; asks it. */
  const stored = async (options: Partial<ServerOptions> = {}) => {
    const cacheDir = await engines.folder()
    const engine = await engines.engine({ cacheDir })
    const base = { engine, log: new TestLog(), host: '127.0.0.1', port: 0, version: '1', accelRedirect: '/blobs' }
    const started = await startServer({ ...base, ...options })
    server = started
    const ask = (asked: ClientOptions = {}) =>
      get(`${started.url}api/v1/fetch?url=${encodeURIComponent(origin.url('/f'))}`, asked)
    await until('a hit', async () => (await ask({ method: 'HEAD' })).headers['cache-status'] === 'kiss; hit')
    return { ask, cacheDir }
  }

  it('name the file of a hit, without a body', async () => {
    const { ask, cacheDir } = await stored()
    const answer = await ask()
    const named = String(answer.headers['x-accel-redirect'])
    assert.deepEqual([answer.status, answer.body.length, answer.headers['content-length']], [200, 0, '0'])
    assert.equal(named, `/blobs/${sha256(body).slice(0, 2)}/${sha256(body)}`)
    assert.deepEqual(readFileSync(path.join(cacheDir, 'blobs', named.slice('/blobs/'.length))), body)
  })

  it('are for a GET that the proxy would answer as kiss would, and for nothing else', async () => {
    const { ask } = await stored()
    const handedOver = async (options: ClientOptions): Promise<boolean> =>
      (await ask(options)).headers['x-accel-redirect'] !== undefined
    assert.equal(await handedOver({ headers: { Range: 'bytes=0-9' } }), true)
    assert.equal(await handedOver({ headers: { 'If-None-Match': '"v2"' } }), true)
    assert.equal(await handedOver({ method: 'HEAD' }), false)
    const others = [
      { Range: 'bytes=0-1,4-5' },
      { Range: 'bytes=0-9', 'If-Range': '"v2"' },
      { Range: 'bytes=99999-' },
      { 'If-Match': '"v1"' },
      { 'If-Match': '"v2"' },
      { 'If-Unmodified-Since': 'Wed, 21 Oct 2015 07:28:00 GMT' },
      { 'If-None-Match': '"v1"' },
      { 'X-Kiss-Accel': 'off' },
    ]
    for (const headers of others) assert.equal(await handedOver({ headers }), false, JSON.stringify(headers))
  })

  it('go to trusted proxies alone where there are any', async () => {
    const { ask } = await stored({ access: { trustProxies: ['127.0.0.2'] } })
    const answer = await ask()
    assert.equal(answer.headers['x-accel-redirect'], undefined)
    assert.ok(answer.body.equals(body))
  })

  it('want the path of a location', async () => {
    assert.equal(accelPrefix('/kiss-blobs'), '/kiss-blobs/')
    assert.equal(accelPrefix('/a/b.c/'), '/a/b.c/')
    for (const text of ['blobs', '', '/', '//x', '/a b', '/a?b', '/a\r\nSet-Cookie: x']) {
      assert.throws(() => accelPrefix(text), { code: 'usage' }, text)
    }
    const sandbox = new Sandbox()
    try {
      const { code, stderr } = await sandbox.run(['serve', '--port', '0', '--x-accel-redirect', 'blobs'])
      assert.equal(code, 2)
      assert.match(stderr, /^kiss: --x-accel-redirect: "blobs" is not the path of a location/)
    } finally {
      sandbox.remove()
    }
  })
})
