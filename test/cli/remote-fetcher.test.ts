import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { RemoteClient } from '#kiss/cli/remote/client.js'
import { RemoteFetcher } from '#kiss/cli/remote/fetcher.js'
import { readArtifact, testEngines } from '../support/engine.js'
import { bytes, latch, Origin } from '../support/origin.js'

describe('fetching through a kiss server that is not well', () => {
  const engines = testEngines()
  const body = bytes('beside', 200_000)
  const other = bytes('through', 200_000)
  const sockets: Server[] = []
  let origin: Origin
  let server: Origin
  beforeEach(async () => {
    origin = await Origin.start()
    server = await Origin.start()
    origin.serve('/f', { body })
  })
  afterEach(async () => {
    await origin.close()
    await server.close()
    for (const socket of sockets.splice(0)) socket.close()
  })

  function open(address: string, patience = 60_000): { fetcher: RemoteFetcher; notes: string[]; opened: () => number } {
    const notes: string[] = []
    let opened = 0
    const fetcher = new RemoteFetcher({
      server: new URL(address),
      client: new RemoteClient(new URL(address), { version: '1' }),
      local: () => {
        opened++
        return engines.engine()
      },
      note: (line) => notes.push(line),
      patience,
    })
    return { fetcher, notes, opened: () => opened }
  }
  const get = async (fetcher: RemoteFetcher): Promise<Buffer> =>
    readArtifact(await fetcher.fetch({ url: new URL(origin.url('/f')) }))

  /** A listener that does one thing to whoever connects. */
  async function listener(act: Parameters<typeof createServer>[1]): Promise<string> {
    const socket = createServer(act)
    sockets.push(socket)
    socket.listen(0, '127.0.0.1')
    await once(socket, 'listening')
    return `http://127.0.0.1:${(socket.address() as AddressInfo).port}/`
  }

  it('never asks the origin when a server that was reached says nothing in time', async () => {
    server.script('/api/v1/fetch/f', [{ body: other, hold: latch().opened }])
    const { fetcher } = open(server.url('/'), 50)
    await assert.rejects(get(fetcher), { code: 'origin-timeout', exit: 4 })
    assert.equal(origin.log().length, 0)
  })

  it('asks the server again while that has a place for it in its queue, and not the origin', async () => {
    const busy = { status: 503, text: JSON.stringify({ code: 'busy', detail: 'number 2 in the queue' }) }
    server.script('/api/v1/fetch/f', [busy, { body: other }])
    const { fetcher, notes, opened } = open(server.url('/'))
    const waits: (string | undefined)[] = []
    const artifact = await fetcher.fetch({
      url: new URL(origin.url('/f')),
      onWait: (wait) => waits.push(wait().reason),
    })
    assert.ok((await readArtifact(artifact)).equals(other))
    assert.deepEqual([notes, opened(), origin.log().length], [[], 0, 0])
    assert.match(waits[0] ?? '', /number 2 in the queue/)
    assert.deepEqual(
      server.log().map(({ headers }) => headers.prefer),
      ['wait=2', 'wait=20'],
    )
  })

  it('does not look again for a server that could not be reached', async () => {
    const gone = await listener(() => undefined)
    await new Promise((resolve) => sockets.pop()?.close(resolve))
    const { fetcher, notes, opened } = open(gone)
    for (let times = 0; times < 3; times++) assert.ok((await get(fetcher)).equals(body))
    assert.equal(opened(), 1)
    assert.match(notes[2]!, /: it did not answer before; fetching /)
  })

  it('asks the origin when the connection is refused, reset or closed without an answer', async () => {
    const refused = await listener(() => undefined)
    await new Promise((resolve) => sockets.pop()?.close(resolve))
    const reset = await listener((socket) => socket.resetAndDestroy())
    const closed = await listener((socket) => socket.end())
    for (const [address, reason] of [
      [refused, 'ECONNREFUSED'],
      [reset, 'ECONNRESET'],
      [closed, 'ECONNRESET'],
    ] as const) {
      const { fetcher, notes } = open(address)
      assert.ok((await get(fetcher)).equals(body))
      assert.deepEqual(notes, [`kiss: ${address}: ${reason}; fetching ${origin.url('/f')} from its origin`])
    }
  })

  it('never asks the origin after an answer', async () => {
    for (const status of [
      301, 400, 401, 403, 404, 408, 410, 412, 421, 425, 429, 451, 500, 501, 502, 503, 504, 507, 508,
    ]) {
      server.script('/api/v1/fetch/f', [{ status }])
      const { fetcher, notes, opened } = open(server.url('/'))
      await assert.rejects(get(fetcher), { name: 'KissError' }, String(status))
      assert.deepEqual([notes, opened()], [[], 0])
    }
    assert.equal(origin.log().length, 0)
  })

  it('never asks the origin when what answers is no web server', async () => {
    const { fetcher } = open(await listener((socket) => socket.end('SSH-2.0-x\r\n')))
    await assert.rejects(get(fetcher), { code: 'origin-unreachable', exit: 4 })
    assert.equal(origin.log().length, 0)
  })

  it('gives up a body that stops coming, and never joins it to what the origin has', async () => {
    for (const after of [0, 1000]) {
      server.script('/api/v1/fetch/f', [{ body: other, stall: { after } }])
      const { fetcher } = open(server.url('/'), 200)
      await assert.rejects(get(fetcher), { code: 'origin-timeout', exit: 4 }, String(after))
    }
    assert.equal(origin.log().length, 0)
  })

  it('lets its own reader take any time', async () => {
    server.script('/api/v1/fetch/f', [{ body: other }, { body: other, stall: { after: 1000 } }])
    const { fetcher } = open(server.url('/'), 1000)
    const artifact = await fetcher.fetch({ url: new URL(origin.url('/f')) })
    // The time of the later request is over, and so is the time of this one.
    await assert.rejects(get(fetcher), { code: 'origin-timeout' })
    assert.ok((await readArtifact(artifact)).equals(other))
  })

  it('continues a body that was cut by range with the validator, and not what has changed', async () => {
    server.script('/api/v1/fetch/f', [{ body: other, etag: '"1"', cut: { after: 80_000 } }, { drop: 'rst' }, {}])
    const { fetcher } = open(server.url('/'))
    assert.ok((await get(fetcher)).equals(other))
    assert.match(server.log()[2]?.headers.range ?? '', /^bytes=[1-9]\d*-$/)
    assert.equal(server.log()[2]?.headers['if-range'], '"1"')
    server.script('/api/v1/fetch/f', [
      { body: other, etag: '"1"', cut: { after: 80_000 } },
      { body, etag: '"2"' },
    ])
    await assert.rejects(get(open(server.url('/')).fetcher), { code: 'origin-failed', exit: 4 })
    assert.equal(origin.log().length, 0)
  })

  it('passes on what was asked for', async () => {
    server.serve('/api/v1/fetch/f', { body: other })
    const { fetcher } = open(server.url('/'))
    const headers = { 'private-token': 'x', 'x-a': '1' }
    const request = { url: new URL(origin.url('/f?a=b&c')), ttl: 60_000, headers }
    await readArtifact(await fetcher.fetch(request))
    const [asked] = server.log()
    const url = encodeURIComponent(origin.url('/f?a=b&c'))
    assert.equal(asked!.path, `/api/v1/fetch/f?url=${url}&ttl=60000ms&passheaders=private-token%2Cx-a`)
    assert.deepEqual([asked!.headers['private-token'], asked!.headers['x-a']], ['x', '1'])
  })
})
