import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Engine } from '#kiss/engine/types.js'
import { startServer, type RunningServer, type ServerOptions } from '#kiss/server/server.js'
import { fetchAll, testEngines } from '../support/engine.js'
import { latch, Origin } from '../support/origin.js'
import { Kept } from './support/kept.js'
import { Random } from './support/random.js'
import { TestLog } from './support/servers.js'

/** Until the server has handled what it has received. */
const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('a request that repeats an earlier one byte for byte', () => {
  const engines = testEngines()
  const servers: RunningServer[] = []
  let origin: Origin
  let parsed = 0
  /** The scripted origin parses requests too. */
  const count = (message: unknown): void => {
    const { server } = message as { server: Server }
    const { port } = server.address() as AddressInfo
    if (servers.some((one) => one.port === port)) parsed++
  }
  beforeEach(async () => {
    origin = await Origin.start()
    diagnostics.subscribe('http.server.request.start', count)
  })
  afterEach(async () => {
    diagnostics.unsubscribe('http.server.request.start', count)
    for (const server of servers.splice(0)) await server.close()
    await origin.close()
  })

  const begin = async (options: Partial<ServerOptions> = {}, body = 'hello') => {
    const engine: Engine = await engines.engine()
    const log = new TestLog()
    const server = await startServer({ engine, log, host: '127.0.0.1', port: 0, version: '1', ...options })
    servers.push(server)
    const request = (path: string, fields = ''): string =>
      `GET /api/v1/fetch?url=${encodeURIComponent(origin.url(path))} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n${fields}\r\n`
    for (const path of ['/f', '/g']) {
      origin.serve(path, { body: Buffer.from(path === '/f' ? body : 'other'), etag: `"${path}"` })
      await fetchAll(engine, origin.url(path))
    }
    const text = request('/f')
    const kept = await Kept.open(server.port)
    // A hit prepares the answer, a second one remembers the request.
    await kept.ask(text)
    const { head } = await kept.ask(text)
    const { port } = server
    return { engine, log, server, port, request, text, kept, head, before: parsed }
  }

  it('is not parsed, and gets the same head with an id of its own', async () => {
    const { kept, text, head, before, port } = await begin()
    const own = (text: string): string => text.replace(/^(x-request-id|age|date): .*$/gim, '$1')
    const ids = new Set<string | undefined>()
    const second = await Kept.open(port)
    await second.ask(text)
    assert.equal(parsed, before + 1)
    for (const connection of [kept, second, kept]) {
      const answer = await connection.ask(text)
      assert.equal(answer.body, 'hello')
      assert.equal(own(answer.head), own(head))
      assert.match(answer.head, /^Age: \d+\r$/m)
      assert.ok(Math.abs(Date.parse(/^Date: (.*)\r$/m.exec(answer.head)?.[1] ?? '') - Date.now()) < 60_000)
      ids.add(/^X-Request-Id: (.*)\r$/m.exec(answer.head)?.[1])
    }
    assert.equal(ids.size, 3)
    assert.equal(parsed, before + 1)
  })

  it('is counted and logged as every other one', async () => {
    const { kept, text, before, engine, log, server } = await begin()
    const earlier = await engine.status()
    for (let i = 0; i < 5; i++) await kept.ask(text)
    assert.equal(parsed, before)
    await settled()
    const { counts } = await engine.status()
    assert.deepEqual(
      (['requests', 'requests_hit', 'served_hit', 'served_aborted'] as const).map(
        (name) => counts[name] - earlier.counts[name],
      ),
      [5, 5, 25, 0],
    )
    assert.equal(log.records.length, 7)
    const records = log.records.slice(1).map((record) => ({ ...record, id: '', firstByte: 0, duration: 0 }))
    for (const record of records) assert.deepEqual(record, records[0])
    assert.equal(server.readers, 0)
  })

  it('is parsed where its artifact was purged', async () => {
    const { kept, text, before, engine } = await begin()
    await engine.purge({ urls: [new URL(origin.url('/f'))] })
    const { head } = await kept.ask(text)
    assert.match(head, /Cache-Status: kiss; fwd=/)
    assert.equal(parsed, before + 1)
  })

  it('is parsed where its client is not admitted any more', async () => {
    const { kept, text, server } = await begin()
    server.updateAccess({ allowClients: ['192.0.2.0/24'] })
    assert.match((await kept.ask(text)).head, /^HTTP\/1\.1 403/)
    server.updateAccess({ clientTokens: ['right'] })
    assert.match((await kept.ask(text)).head, /^HTTP\/1\.1 403/)
    server.updateAccess({})
    assert.match((await kept.ask(text)).head, /^HTTP\/1\.1 200/)
  })

  it('is parsed where it has an id of its own or ends the connection', async () => {
    const { request, port } = await begin()
    for (const fields of ['X-Request-Id: job-17\r\n', 'Connection: close\r\n']) {
      for (let i = 0; i < 3; i++) {
        const before = parsed
        const { head } = await (await Kept.open(port)).ask(request('/f', fields))
        assert.match(head, fields.startsWith('X') ? /^X-Request-Id: job-17\r$/m : /^Connection: close\r$/m)
        assert.equal(parsed, before + 1)
      }
    }
  })

  it('is the body of a request where it comes as one', async () => {
    const { port, text } = await begin()
    for (const head of [
      `POST /api/v1/status/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: ${text.length}\r\n\r\n`,
      `GET /api/v1/health/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: ${text.length}\r\n\r\n`,
    ]) {
      const kept = await Kept.open(port)
      await kept.ask(text)
      const { head: answer } = await kept.ask(head)
      assert.doesNotMatch(answer, /Cache-Status: kiss; hit/)
      kept.socket.write(text)
      await settled()
      const { body } = await kept.ask(text.replace('%2Ff', '%2Fg'))
      assert.equal(body, 'other')
    }
  })

  it('is a part of a request where that has begun before', async () => {
    const { port, text } = await begin()
    const kept = await Kept.open(port)
    await kept.ask(text)
    kept.socket.write(`GET /api/v1/health/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Part: `)
    await settled()
    kept.socket.write(text)
    const { head } = await kept.answer()
    assert.doesNotMatch(head, /Cache-Status: kiss; hit/)
  })

  it('does not get the answer to a request that only ends like it', async () => {
    const { port, request, text } = await begin()
    // The second chunk is the value of a field, and the head of /f.
    const kept = await Kept.open(port)
    kept.socket.write(`${request('/g').slice(0, -2)}User-Agent: `)
    await settled()
    assert.equal((await kept.ask(`${text.split('\r\n')[0]}\r\n\r\n`)).body, 'other')
    const other = await Kept.open(port)
    await other.ask(text)
    assert.match((await other.ask(`${text.split('\r\n')[0]}\r\n\r\n`)).head, /^HTTP\/1\.1 400/)
  })

  it('waits for the answers before it', async () => {
    const { port, request, text } = await begin()
    const gate = latch()
    origin.script('/slow', [{ body: Buffer.from('slow'), etag: '"s"', hold: gate.opened }])
    const kept = await Kept.open(port)
    await kept.ask(text)
    kept.socket.write(request('/slow'))
    await settled()
    kept.socket.write(text)
    await settled()
    gate.open()
    assert.deepEqual([(await kept.answer()).body, (await kept.answer()).body], ['slow', 'hello'])
  })

  const large = 'x'.repeat(1024 * 1024)

  /** A client that reads nothing, with an answer that waits for room in its socket. */
  const stalled = async (started: Awaited<ReturnType<typeof begin>>, text = started.text) => {
    const kept = await Kept.open(started.port)
    await kept.ask(started.text)
    kept.socket.pause()
    let asked = 0
    do {
      kept.socket.write(text)
      asked++
      // The kernel of the client may take more for a moment.
      await new Promise((resolve) => setTimeout(resolve, 50))
    } while (started.server.readers === 0)
    return { kept, asked }
  }

  it('is complete for a client that pauses for longer than a connection may be idle', async () => {
    const started = await begin({ limits: { idleTimeout: 1_000 } }, large)
    const { kept, asked } = await stalled(started)
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    kept.socket.resume()
    for (let i = 0; i < asked; i++) assert.equal((await kept.answer()).body.length, large.length)
    assert.equal(started.server.readers, 0)
    await once(kept.socket, 'close')
  })

  for (const [kind, fields] of [
    ['', ''],
    [' and parsed it', 'X-Request-Id: job-17\r\n'],
  ] as const) {
    it(`is complete for a client that is slow while the server drains${kind}`, async () => {
      const started = await begin({}, large)
      const { kept, asked } = await stalled(started, started.request('/f', fields))
      const drained = started.server.drain()
      await settled()
      kept.socket.resume()
      for (let i = 0; i < asked; i++) assert.equal((await kept.answer()).body.length, large.length)
      await drained
      assert.ok(started.log.records.every(({ outcome }) => outcome === 'done'))
    })
  }

  it('is refused while the server drains', async () => {
    const started = await begin({}, large)
    const { kept } = await stalled(started)
    const drained = started.server.drain()
    assert.match((await started.kept.ask(started.text)).head, /^HTTP\/1\.1 503/)
    kept.socket.destroy()
    await drained
  })

  it('is logged as aborted where its client leaves', async () => {
    const { server, log, ...started } = await begin({}, large)
    const { kept } = await stalled({ server, log, ...started })
    const ended = log.next()
    kept.socket.resetAndDestroy()
    await ended
    assert.deepEqual(
      log.records.filter(({ outcome }) => outcome !== 'done').map(({ outcome, bytes }) => [outcome, bytes]),
      [['aborted', 0]],
    )
    assert.equal(server.readers, 0)
  })

  it('takes no memory for a client that asks and does not read', async () => {
    const started = await begin({}, large)
    const { kept, asked } = await stalled(started)
    for (let i = 0; i < 3; i++) {
      kept.socket.write(started.text)
      await settled()
    }
    assert.ok(started.server.readers <= 4)
    kept.socket.resume()
    for (let i = 0; i < asked + 3; i++) assert.equal((await kept.answer()).body.length, large.length)
  })

  it('is no request behind one for a tunnel, whose answer waits', async () => {
    const started = await begin({}, large)
    const { kept, asked } = await stalled(started)
    kept.socket.write(`CONNECT localhost:443 HTTP/1.1\r\nHost: 127.0.0.1:${started.port}\r\n\r\n`)
    await settled()
    // node:http gives it the parser that the request for a tunnel has freed.
    const other = await Kept.open(started.port)
    other.socket.write(started.request('/g').slice(0, -2))
    await settled()
    kept.socket.write(`Range: bytes=0-0\r\n\r\n${started.text}`)
    await settled()
    assert.equal((await other.ask('\r\n')).body, 'other')
    kept.socket.resume()
    for (let i = 0; i < asked; i++) assert.equal((await kept.answer()).body.length, large.length)
    assert.match((await kept.answer()).head, /^HTTP\/1\.1 405/)
  })

  it('gets its own answer in any order and any chunks', async () => {
    const { port, request, text } = await begin()
    const random = new Random(20261128)
    const other = request('/g')
    const form = `POST /api/v1/nowhere HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: ${text.length}\r\n\r\n${text}`
    const head = text.replace('GET', 'HEAD').replace('api/v1/fetch?', 'nowhere?')
    const kinds = [
      [text, '200 hello'],
      [text, '200 hello'],
      [other, '200 other'],
      [form, '404'],
      [head, '404'],
      [request('/f', 'Range: bytes=1-2\r\n'), '206 el'],
    ] as const
    for (let round = 0; round < 60; round++) {
      const kept = await Kept.open(port)
      const asked = Array.from({ length: 8 }, () => random.pick(kinds))
      let bytes = asked.map(([bytes]) => bytes).join('')
      const answers = (async () => {
        const seen: string[] = []
        for (const [sent, expected] of asked) {
          const { head, body } = await kept.answer(sent.slice(0, 4))
          const status = head.slice(9, 12)
          seen.push(expected === '404' ? status : `${status} ${body}`)
        }
        return seen
      })()
      while (bytes !== '') {
        // Most chunks are one request, so that the connection is watched for a while.
        const whole = [text, other, form, head].find((one) => bytes.startsWith(one))?.length ?? 10
        const length = random.below(4) > 0 ? whole : 1 + random.below(400)
        kept.socket.write(bytes.slice(0, length))
        bytes = bytes.slice(length)
        await settled()
      }
      assert.deepEqual(
        await answers,
        asked.map(([, expected]) => expected),
      )
      kept.socket.destroy()
    }
  })
})
