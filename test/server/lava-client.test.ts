import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { rewrite } from '#lava/rewrite.js'
import { parseJob } from '#lava/parse.js'
import { dispatcherConfig } from '#lava/dispatcher.js'
import type { EngineOptions } from '#kiss/engine/types.js'
import type { RunningServer, ServerOptions } from '#kiss/server/server.js'
import { MovableClock } from '../support/engine.js'
import { bytes, latch } from '../support/origin.js'
import { engineServers } from './support/engine-servers.js'
import { until } from '../support/until.js'
import { get } from './support/client.js'
import { LavaDownload, quotePlus, type LavaOptions } from './support/lava.js'

describe("a server whose client is LAVA's dispatcher", () => {
  const here = engineServers()
  const body = bytes('lava', 300_000)

  const start = async (
    options: Partial<ServerOptions> = {},
    engineOptions: Partial<EngineOptions> = {},
  ): Promise<RunningServer> => (await here.start(options, engineOptions)).server
  /** As a rewritten job names it. */
  const cached = (server: RunningServer, path: string): string => {
    const job = `actions:\n- deploy:\n    to: tftp\n    kernel:\n      url: ${here.origin.url(path)}\n`
    const { changes } = rewrite(parseJob('job.yaml', job), { server: server.url.replace(/\/$/, '') })
    return changes[0]!.to
  }
  const isStored = (server: RunningServer, path: string): Promise<void> =>
    until('the artifact is stored', async () => {
      const { headers } = await get(cached(server, path), { method: 'HEAD' })
      return String(headers['cache-status']).includes('hit')
    })
  const gets = (path: string): number => here.origin.log(path).filter(({ method }) => method === 'GET').length
  const download = async (url: string, options?: LavaOptions): Promise<{ lava: LavaDownload; bytes: Buffer }> => {
    const lava = new LavaDownload(url, options)
    await lava.validate()
    return { lava, bytes: await lava.run() }
  }

  it('costs the origin one GET, from the HEAD of validate() to the GET of run()', async () => {
    here.origin.serve('/Image', { body })
    const { lava, bytes } = await download(cached(await start(), '/Image'))
    assert.ok(bytes.equals(body))
    assert.deepEqual(
      [lava.size, lava.attempts.map(({ method, status }) => `${method} ${status}`)],
      [body.length, ['HEAD 200', 'GET 200']],
    )
    assert.deepEqual(
      here.origin.log('/Image').map(({ method, headers }) => [method, headers['accept-encoding'], headers.range]),
      [['GET', 'identity', undefined]],
    )
  })

  it('validates every artifact of a job while the first ones still come', async () => {
    const gate = latch()
    const paths = ['/kernel', '/ramdisk', '/dtb', '/nfsrootfs', '/modules']
    for (const path of paths) here.origin.script(path, [{ body, stall: { after: 1000, until: gate.opened } }])
    const server = await start()
    const all = paths.map((path) => new LavaDownload(cached(server, path)))
    for (const lava of all) await lava.validate()
    assert.deepEqual(
      all.map(({ size }) => size),
      paths.map(() => body.length),
    )
    gate.open()
    for (const lava of all) assert.ok((await lava.run()).equals(body))
    assert.deepEqual(paths.map(gets), [1, 1, 1, 1, 1])
  })

  it('is served once for twenty jobs at once', async () => {
    here.origin.serve('/Image', { body })
    const url = cached(await start(), '/Image')
    const all = await Promise.all(Array.from({ length: 20 }, () => download(url)))
    assert.ok(all.every(({ bytes, lava }) => bytes.equals(body) && lava.size === body.length))
    assert.equal(here.origin.log('/Image').length, 1)
  })

  it("gets the job's headers to the origin, on HEAD and GET", async () => {
    here.origin.serve('/private', { body, requires: { 'private-token': 'secret' } })
    const url = cached(await start(), '/private')
    await assert.rejects(download(url), /Resource unavailable .*\(401\)/)
    const { bytes } = await download(url, { headers: { 'PRIVATE-TOKEN': 'secret' } })
    assert.ok(bytes.equals(body))
  })

  for (const framing of ['chunked', 'close'] as const) {
    it(`has 200 and no length for a ${framing} origin until it is known, and the length afterwards`, async () => {
      const gate = latch()
      here.origin.script('/f', [{ body, framing, stall: { after: 1000, until: gate.opened } }])
      const url = cached(await start(), '/f')
      const early = new LavaDownload(url)
      await early.validate()
      assert.equal(early.size, -1)
      gate.open()
      assert.ok((await early.run()).equals(body))
      const late = await download(url)
      assert.deepEqual([late.lava.size, late.bytes.length], [body.length, body.length])
    })
  }

  it('fails as it would at the origin when that compresses although nobody asked', async () => {
    here.origin.serve('/f', { body, gzip: true })
    const message = `Download finished (${body.length} bytes) but was not expected size (${gzipSync(body).length} bytes)`
    const url = cached(await start(), '/f')
    for (const one of [here.origin.url('/f'), url, url]) await assert.rejects(download(one), { message })
  })

  it('is told the length of an empty artifact', async () => {
    here.origin.serve('/empty', { body: Buffer.alloc(0) })
    const { lava, bytes } = await download(cached(await start(), '/empty'))
    assert.deepEqual([lava.size, bytes.length], [0, 0])
  })

  it('finds a gzip file as it lies at the origin, though it says that it takes gzip', async () => {
    const archive = gzipSync(body)
    here.origin.serve('/rootfs.cpio.gz', { body: archive, type: 'application/gzip' })
    const { bytes } = await download(cached(await start(), '/rootfs.cpio.gz'))
    assert.ok(bytes.equals(archive))
  })

  it('fails at once on what does not pass', async () => {
    const server = await start()
    const permanent = [400, 401, 403, 404, 405, 410, 418, 451]
    for (const status of permanent) {
      const path = `/status-${status}`
      here.origin.script(path, [{ status }])
      const lava = new LavaDownload(cached(server, path))
      await assert.rejects(lava.validate(), new RegExp(`\\(${status}\\)$`))
      assert.deepEqual(
        lava.attempts.map(({ method, status }) => [method, status]),
        [
          ['HEAD', status],
          ['GET', status],
        ],
      )
    }
    for (const url of ['nonsense', 'ftp://h/x', 'http://[::1', '']) {
      const lava = new LavaDownload(`${server.url}api/v1/fetch?url=${quotePlus(url)}`)
      await assert.rejects(lava.validate(), /\(400\)$/)
    }
  })

  it('fails at once where the server must not go', async () => {
    const server = await start({}, { upstream: { env: {} } })
    const lava = new LavaDownload(cached(server, '/f'))
    await assert.rejects(lava.validate(), /\(403\)$/)
    assert.equal(lava.attempts.length, 2)
  })

  it('asks again for what may pass, and has it when it has passed', async () => {
    const clock = new MovableClock()
    const server = await start({}, { clock })
    for (const status of [408, 413, 420, 425, 429, 430, 500, 502, 503, 504, 507, 509, 529, 598]) {
      const path = `/status-${status}`
      here.origin.script(path, [{ status }])
      const mend = async (): Promise<void> => {
        here.origin.serve(path, { body })
        clock.move(11_000) // longer than a failure is remembered
      }
      const { lava, bytes } = await download(cached(server, path), { pause: mend })
      assert.ok(bytes.equals(body), path)
      const [failed, ...rest] = lava.attempts
      assert.deepEqual([failed?.method, failed?.status, Number(failed?.retryAfter) > 0], ['HEAD', 502, true], path)
      assert.deepEqual(
        rest.map(({ method, status }) => `${method} ${status}`),
        ['HEAD 200', 'GET 200'],
      )
    }
  })

  it('hears within its patience that the origin is slow, and gets what has come meanwhile', async () => {
    const gate = latch()
    here.origin.script('/slow', [{ body, hold: gate.opened }])
    const server = await start({ limits: { patience: 50 } })
    const lava = new LavaDownload(cached(server, '/slow'), {
      pause: async () => {
        if (lava.attempts.length === 3) gate.open()
        if (lava.attempts.length >= 3) await here.origin.answered('/slow')
      },
    })
    await lava.validate()
    // On a busy machine the rest may take longer than the patience.
    await isStored(server, '/slow')
    assert.ok((await lava.run()).equals(body))
    const waiting = lava.attempts.filter(({ status }) => status !== 200)
    assert.ok(waiting.length >= 3)
    assert.ok(
      waiting.every(({ method, status, retryAfter }) => method === 'HEAD' && status === 504 && retryAfter === '30'),
    )
    assert.equal(lava.size, body.length)
    assert.equal(gets('/slow'), 1)
  })

  it('is cut short, not kept waiting, when the bytes stop, and finds them all the next time', async () => {
    const gate = latch()
    here.origin.script('/f', [{ body, stall: { after: 1000, until: gate.opened } }])
    const server = await start({ limits: { patience: 50 } })
    const lava = new LavaDownload(cached(server, '/f'))
    await lava.validate()
    await assert.rejects(lava.run(), /IncompleteRead/)
    gate.open()
    await isStored(server, '/f')
    assert.ok((await lava.run()).equals(body))
    assert.equal(gets('/f'), 1)
  })

  it('closes a GET unread without stopping the transfer', async () => {
    const gate = latch()
    here.origin.script('/f', [{ body, stall: { after: 1000, until: gate.opened } }])
    const server = await start()
    const url = cached(server, '/f')
    const first = new LavaDownload(url)
    await first.validate()
    const unread = fetch(url).then(async (answer) => answer.body?.cancel())
    await unread
    gate.open()
    assert.ok((await first.run()).equals(body))
    assert.equal(gets('/f'), 1)
  })

  it('may fill http_url_format_string by quote_plus, whatever the name', async () => {
    const server = await start()
    const { http_url_format_string: format } = dispatcherConfig(server.url.replace(/\/$/, ''))
    for (const [name, wire] of Object.entries(names)) {
      here.origin.serve(wire, { body })
      const { bytes } = await download(format.replace('%s', quotePlus(here.origin.url(name))))
      assert.ok(bytes.equals(body), name)
      assert.equal(here.origin.log(wire).length, 1, name)
    }
  })

  it('may ask for the rewritten form of the same names, and both are one entry', async () => {
    const server = await start()
    const { http_url_format_string: format } = dispatcherConfig(server.url.replace(/\/$/, ''))
    for (const [name, wire] of Object.entries(names)) {
      here.origin.serve(wire, { body })
      assert.ok((await download(cached(server, name))).bytes.equals(body), name)
      assert.ok((await download(format.replace('%s', quotePlus(here.origin.url(name))))).bytes.equals(body), name)
      assert.equal(here.origin.log(wire).length, 1, name)
    }
  })
})

/** As a job writes it, and as it goes over the wire. */
const names = {
  '/a b': '/a%20b',
  '/a%20b': '/a%20b',
  '/a+b': '/a+b',
  '/a%2Bb': '/a%2Bb',
  '/100%': '/100%25',
  '/100%25': '/100%25',
  '/%E2%82%AC': '/%E2%82%AC',
  '/größe.img': '/gr%C3%B6%C3%9Fe.img',
  '/a?b=c&d=e+f%20g&url=http://h/': '/a?b=c&d=e+f%20g&url=http://h/',
  "/it's(1)*!~": "/it's(1)*!~",
  '/a;b=c': '/a;b=c',
  '/c;d/': '/c;d/',
  '/': '/',
  '/..;/x': '/..;/x',
}
