import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { ThroughServers, type ThroughServersOptions } from '#kiss/engine/through-servers.js'
import type { FetchRequest } from '#kiss/engine/types.js'
import { HastyClock, readArtifact, testEngines } from '../support/engine.js'
import { AS_KISS, bytes, latch, Origin, sha256 } from '../support/origin.js'

const ENDPOINT = '/api/v1/fetch/f'

describe('fetching through kiss servers', () => {
  const engines = testEngines()
  const body = bytes('beside', 200_000)
  const other = bytes('through', 200_000)
  const sockets: Server[] = []
  const opened: ThroughServers[] = []
  let origin: Origin
  let server: Origin
  let second: Origin
  beforeEach(async () => {
    ;[origin, server, second] = await Promise.all([
      Origin.start(),
      Origin.start({ extra: AS_KISS }),
      Origin.start({ extra: AS_KISS }),
    ])
    origin.serve('/f', { body })
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()))
    await Promise.all([origin, server, second].map((one) => one.close()))
    for (const socket of sockets.splice(0)) socket.close()
  })

  interface Opened {
    readonly through: ThroughServers
    readonly notes: string[]
    readonly local: () => number
  }

  function open(servers: readonly string[], more: Partial<ThroughServersOptions> = {}): Opened {
    const notes: string[] = []
    let locals = 0
    const through = new ThroughServers({
      servers: servers.map((url) => new URL(url)),
      upstream: { guard: false },
      retryFor: 10_000,
      clock: new HastyClock(),
      local: () => {
        locals++
        return engines.engine()
      },
      note: (line) => notes.push(line),
      ...more,
    })
    opened.push(through)
    return { through, notes, local: () => locals }
  }
  const get = async (through: ThroughServers, request: Partial<FetchRequest> = {}): Promise<Buffer> =>
    readArtifact(await through.fetch({ url: new URL(origin.url('/f')), ...request }))

  /** A listener that does one thing to whoever connects. */
  async function listener(act: Parameters<typeof createServer>[1]): Promise<string> {
    const socket = createServer(act)
    sockets.push(socket)
    socket.listen(0, '127.0.0.1')
    await once(socket, 'listening')
    return `http://127.0.0.1:${(socket.address() as AddressInfo).port}/`
  }
  async function nowhere(): Promise<string> {
    const address = await listener(() => undefined)
    await new Promise((resolve) => sockets.pop()?.close(resolve))
    return address
  }

  it('never asks the origin when a server that was reached says nothing in time', async () => {
    server.script(ENDPOINT, [{ hold: latch().opened }])
    await assert.rejects(get(open([server.url('/')], { retryFor: 50 }).through), { code: 'origin-timeout', exit: 4 })
    assert.equal(origin.log().length, 0)
  })

  it('asks the server again while that has a place for it in its queue, however long, and not the origin', async () => {
    const busy = { status: 503, text: JSON.stringify({ code: 'busy', detail: 'number 2 in the queue' }) }
    const draining = { status: 503, text: JSON.stringify({ code: 'draining', detail: 'it is being replaced' }) }
    server.script(ENDPOINT, [...Array.from({ length: 30 }, () => busy), draining, { body: other }])
    const { through, notes, local } = open([server.url('/')])
    let waited: string | undefined
    const artifact = await through.fetch({
      url: new URL(origin.url('/f')),
      onWait: (wait) => setImmediate(() => (waited ??= wait().reason)),
    })
    assert.ok((await readArtifact(artifact)).equals(other))
    assert.deepEqual([notes, local(), origin.log().length], [[], 0, 0])
    assert.deepEqual(new Set(server.log().map(({ headers }) => headers.prefer)), new Set(['wait=2']))
  })

  it('keeps its login at the server from the origin, with no list and with a list of passed headers', async () => {
    server.script(ENDPOINT, [{ body: other }])
    const url = new URL(server.url('/'))
    url.username = 'lab'
    url.password = 'secret'
    const { through } = open([url.href])
    for (const [headers, list] of [
      [{}, ''],
      [{ 'private-token': 'mine' }, 'private-token'],
    ] as const) {
      await get(through, { headers })
      const asked = server.log().at(-1)!
      assert.equal(asked.headers.authorization, `Basic ${Buffer.from('lab:secret').toString('base64')}`)
      assert.equal(new URL(asked.path, url).searchParams.get('passheaders'), list)
    }
  })

  it('does not look again for servers that could not be reached', async () => {
    const { through, notes, local } = open([await nowhere()])
    for (let times = 0; times < 3; times++) assert.ok((await get(through)).equals(body))
    assert.equal(local(), 1)
    assert.match(notes[2]!, /: it did not answer before; fetching /)
  })

  it('asks the origin when the connection is refused, reset or closed without an answer', async () => {
    const refused = await nowhere()
    const reset = await listener((socket) => socket.resetAndDestroy())
    const closed = await listener((socket) => socket.end())
    for (const [servers, reason] of [
      [[refused], 'the connection was refused'],
      [[reset], 'the connection was reset'],
      [[closed], 'the connection was closed'],
      [[closed, refused], 'the connection was refused'],
    ] as const) {
      const { through, notes } = open(servers)
      assert.ok((await get(through)).equals(body))
      assert.deepEqual(notes, [`kiss: ${servers.join(', ')}: ${reason}; fetching ${origin.url('/f')} from its origin`])
      await assert.rejects(get(open(servers, { local: undefined }).through), { code: 'origin-unreachable', exit: 4 })
    }
  })

  it('never asks the origin after an answer, and gives the code of the server', async () => {
    for (const status of [
      301, 400, 401, 403, 404, 408, 410, 412, 421, 425, 429, 451, 500, 501, 502, 503, 504, 507, 508,
    ]) {
      server.script(ENDPOINT, [{ status }])
      const { through, notes, local } = open([server.url('/'), await nowhere()])
      await assert.rejects(get(through), { name: 'KissError' }, String(status))
      assert.deepEqual([notes, local()], [[], 0])
    }
    for (const [status, code, exit] of [
      [502, 'content-changed', 5],
      [502, 'origin-failed', 4],
      [507, 'quota', 6],
      [502, 'credential', 7],
      [404, 'origin-refused', 3],
      [404, 'sealed', 4],
      [412, 'digest-mismatch', 5],
    ] as const) {
      server.script(ENDPOINT, [{ status, text: JSON.stringify({ code, detail: 'so it is' }) }])
      const message = `${server.url('/')}: so it is`
      await assert.rejects(get(open([server.url('/')]).through), { code, exit, message })
    }
    assert.equal(origin.log().length, 0)
  })

  it('takes no answer of another web server for the artifact, says so, and asks the next server', async () => {
    const stranger = await Origin.start()
    for (const step of [{ body }, { body, etag: '"1"' }, { status: 404 }, { status: 302 }]) {
      stranger.script(ENDPOINT, [step])
      const { through, notes } = open([stranger.url('/')])
      const status = 'status' in step ? step.status : 200
      const message = `${stranger.url('/')} does not answer as a kiss server: status ${status}`
      await assert.rejects(get(through), { code: 'origin-failed', exit: 4, message })
      assert.deepEqual(notes, [])
      server.serve(ENDPOINT, { body: other })
      const both = open([stranger.url('/'), server.url('/')])
      assert.ok((await get(both.through)).equals(other))
      assert.ok((await get(both.through)).equals(other))
      const why = `answers, but not as kiss: status ${status} without kiss in Cache-Status; asking it again in 10 s`
      assert.deepEqual(both.notes, [`kiss: the server ${stranger.url('/')} ${why}`])
    }
    assert.equal(origin.log().length, 0)
    await stranger.close()
  })

  it('asks the next server if one sends no byte of the body in time, or is down', async () => {
    second.serve(ENDPOINT, { body: other, etag: '"1"' })
    for (const step of [{ hold: latch().opened }, { body: other, etag: '"1"', stall: { after: 0 } }]) {
      server.script(ENDPOINT, [step])
      const { through, notes } = open([server.url('/'), second.url('/')], { retryFor: 300 })
      assert.ok((await get(through)).equals(other))
      const before = server.log().length
      // The server that did not answer is asked last for a while.
      assert.ok((await get(through)).equals(other))
      assert.equal(server.log().length, before)
      assert.deepEqual(notes, [])
    }
  })

  it('names the server that failed in mid-body', async () => {
    const begun = { body: other, etag: '"1"' }
    for (const [steps, why] of [
      [[{ ...begun, cut: { after: 80_000 } }, { drop: 'rst' }], /: the connection was \w+/],
      [[{ ...begun, stall: { after: 80_000 } }, { stall: { after: 0 } }], / stopped sending/],
      [[{ ...begun, cut: { after: 80_000 } }, { status: 404 }], /: no such artifact/],
      [[{ ...begun, framing: 'chunked', cut: { after: 80_000 } }, { status: 502 }], /: no such artifact/],
    ] as const) {
      server.script(
        ENDPOINT,
        steps.map((step) => ('status' in step ? { ...step, text: '{"detail": "no such artifact"}' } : step)),
      )
      const { through } = open([server.url('/')], { upstream: { guard: false, stallTimeout: 50 }, retryFor: 1000 })
      const message = new RegExp(`${server.url('/')}${why.source}`)
      await assert.rejects(get(through), { name: 'KissError', message })
    }
  })

  it('never asks the origin when what answers is no web server', async () => {
    const { through } = open([await listener((socket) => socket.end('SSH-2.0-x\r\n'))])
    await assert.rejects(get(through), { code: 'origin-unreachable', exit: 4 })
    assert.equal(origin.log().length, 0)
  })

  it('goes on with a body that stops coming, and gives it up in the end', async () => {
    for (const after of [0, 1000]) {
      server.script(ENDPOINT, [{ body: other, etag: '"1"', stall: { after } }, { stall: { after: 0 } }])
      const { through } = open([server.url('/')], { upstream: { guard: false, stallTimeout: 50 }, retryFor: 1000 })
      await assert.rejects(get(through), { code: 'origin-timeout', exit: 4 }, String(after))
    }
    assert.equal(origin.log().length, 0)
  })

  it('lets its own reader take any time', async () => {
    const large = bytes('large', 4_000_000)
    server.script(ENDPOINT, [{ body: large }, { body: other, stall: { after: 1000 } }])
    const { through } = open([server.url('/')], { upstream: { guard: false, stallTimeout: 500 }, retryFor: 100 })
    const artifact = await through.fetch({ url: new URL(origin.url('/f')) })
    // The time of the later request is over, and so is the time of this one.
    await assert.rejects(get(through), { code: 'origin-timeout' })
    assert.ok((await readArtifact(artifact)).equals(large))
  })

  it('continues a body that was cut by range with the validator, from any of the servers', async () => {
    server.script(ENDPOINT, [{ body: other, etag: '"1"', cut: { after: 80_000 } }, { drop: 'rst' }])
    second.serve(ENDPOINT, { body: other, etag: '"1"' })
    assert.ok((await get(open([server.url('/'), second.url('/')]).through)).equals(other))
    assert.match(second.log()[0]?.headers.range ?? '', /^bytes=[1-9]\d*-$/)
    assert.equal(second.log()[0]?.headers['if-range'], '"1"')
    assert.equal(origin.log().length, 0)
  })

  it('continues a body without a validator where its bytes come again, and no other one', async () => {
    server.script(ENDPOINT, [{ body: other, cut: { after: 80_000 } }, { cut: { after: 40_000 } }, {}])
    assert.ok((await get(open([server.url('/')]).through)).equals(other))
    for (const etag of [undefined, '"2"']) {
      server.script(ENDPOINT, [{ body: other, cut: { after: 80_000 }, ...(etag && { etag: '"1"' }) }, { drop: 'rst' }])
      second.serve(ENDPOINT, { body, ...(etag && { etag }) })
      const failing = get(open([server.url('/'), second.url('/')]).through)
      await assert.rejects(failing, { code: 'content-changed', exit: 5 })
    }
    assert.equal(origin.log().length, 0)
  })

  it('refuses a server that puts a range of other bytes behind a sum', async () => {
    const digest = `sha-256=:${Buffer.from(sha256(other), 'hex').toString('base64')}:`
    server.script(ENDPOINT, [
      { body: other, etag: '"1"', cut: { after: 80_000 }, extra: { 'Repr-Digest': digest } },
      { drop: 'rst' },
    ])
    second.serve(ENDPOINT, { body, etag: '"1"' })
    await assert.rejects(get(open([server.url('/'), second.url('/')]).through), { code: 'digest-mismatch', exit: 5 })
  })

  it('gives the last byte of what was promised only when the sum agrees', async () => {
    server.serve(ENDPOINT, { body: other })
    assert.ok((await get(open([server.url('/')]).through, { sha256: sha256(other) })).equals(other))
    const artifact = await open([server.url('/')]).through.fetch({
      url: new URL(origin.url('/f')),
      sha256: sha256(body),
    })
    const buffer = Buffer.alloc(other.length)
    let read = 0
    const reading = async (): Promise<never> => {
      for (;;) read += await artifact.content.read(buffer, read)
    }
    await assert.rejects(reading(), { code: 'digest-mismatch', exit: 5 })
    assert.ok(read < other.length)
    const digest = `sha-256=:${Buffer.from(sha256(other), 'hex').toString('base64')}:`
    server.serve(ENDPOINT, { body: other, extra: { 'Repr-Digest': digest } })
    await assert.rejects(get(open([server.url('/')]).through, { sha256: sha256(body) }), { code: 'digest-mismatch' })
  })

  it('passes on what was asked for', async () => {
    server.serve(ENDPOINT, { body: other })
    const { through } = open([server.url('/')], { token: 'sesame-opens-this-door' })
    const headers = { 'private-token': 'x', 'x-a': '1' }
    await get(through, { url: new URL(origin.url('/f?a=b&c')), ttl: 60_000, headers })
    const [asked] = server.log()
    const url = encodeURIComponent(origin.url('/f?a=b&c'))
    assert.equal(asked!.path, `${ENDPOINT}?url=${url}&ttl=60000ms&passheaders=private-token%2Cx-a`)
    assert.deepEqual([asked!.headers['private-token'], asked!.headers['x-a']], ['x', '1'])
    assert.equal(asked!.headers['x-kiss-token'], 'sesame-opens-this-door')
  })
})
