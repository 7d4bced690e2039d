import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { deaf, get } from './support/client.js'
import { testServers } from './support/servers.js'
import { finishedBody, GrowingBody } from './support/stub-bodies.js'
import { StubArtifact } from './support/stub-engine.js'

const origin = 'https://origin.example/f'
const large = Buffer.alloc(16 * 1024 * 1024)

/** Connects and resolves when the other side has closed, with what it said. */
async function closedBy(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  socket.write(text)
  await once(socket, 'close')
  return answer
}

describe('clients that mean harm', () => {
  const start = testServers()
  const sockets: Socket[] = []
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy()
  })

  it('may be 300 of one address that read nothing: the next request is served, and memory is bounded', async () => {
    const server = await start({ limits: { buffers: 8 } })
    const body = server.engine.serve(origin, large)
    server.engine.serve('https://o/small', 'hello')
    const request = `GET /api/v1/fetch?url=${encodeURIComponent(origin)} HTTP/1.1\r\nHost: localhost\r\n\r\n`
    for (let i = 0; i < 300; i++) sockets.push(await deaf(server.port, request))
    assert.equal((await get(server.fetchUrl('https://o/small'))).text, 'hello')
    assert.ok((await get(server.fetchUrl(origin))).body.equals(large))
    assert.ok(body.largestRead <= 256 * 1024)
  })

  it('may send 500 broken requests at once: the next request is served', async () => {
    const server = await start()
    server.engine.serve(origin, 'hello')
    const broken = Array.from({ length: 500 }, (_, i) =>
      closedBy(server.port, `GET /${'\0'.repeat(i % 7)} nonsense ${i}\r\n\r\n`),
    )
    assert.equal((await get(server.fetchUrl(origin))).text, 'hello')
    for (const answer of await Promise.all(broken)) assert.match(answer, /^HTTP\/1\.1 400 /)
  })

  it('may send their headers too slowly: they are cut off', async () => {
    const server = await start({ limits: { headersTimeout: 50, requestTimeout: 100 } })
    const socket = connect(server.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    socket.write('GET / HTTP/1.1\r\nHost: loc')
    await once(socket, 'close')
    assert.match(answer, /^HTTP\/1\.1 408 /)
  })

  it('may be hundreds that send a byte at a time: others are answered meanwhile, and they are in the end', async () => {
    const server = await start()
    server.engine.serve(origin, 'hello')
    const request = `GET /api/v1/fetch?url=${origin} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`
    const slow = await Promise.all(Array.from({ length: 300 }, () => deaf(server.port, '')))
    sockets.push(...slow)
    for (let n = 0; n < request.length; n++) {
      for (const socket of slow) socket.write(request.charAt(n))
      if (n % 10 === 0) assert.equal((await get(server.fetchUrl(origin))).text, 'hello')
      if (n === request.length - 2) {
        assert.equal(server.engine.requests.length, Math.ceil((request.length - 1) / 10))
        assert.ok(slow.every((socket) => !socket.destroyed))
      }
    }
    for (const socket of slow) {
      let answer = ''
      socket.on('data', (chunk: Buffer) => (answer += chunk.toString())).resume()
      await once(socket, 'close')
      assert.match(answer, /^HTTP\/1\.1 200 [^]*hello$/)
    }
  })

  it('may read nothing for ever: they are cut off', async () => {
    // A shorter time ends the connection before its request arrives, on a loaded machine.
    const server = await start({ limits: { stalledTimeout: 500 } })
    server.engine.serve(origin, large)
    const record = server.records.next()
    sockets.push(await deaf(server.port, `GET /api/v1/fetch?url=${origin} HTTP/1.1\r\nHost: localhost\r\n\r\n`))
    assert.equal((await record).outcome, 'aborted')
    assert.equal(await server.engine.lastArtifact.closed, 'aborted')
  })

  it('may open more connections than there may be: those are refused, the others live', async () => {
    const server = await start({ limits: { connections: 2 } })
    const first = await deaf(server.port, 'GET')
    const second = await deaf(server.port, 'GET')
    sockets.push(first, second)
    for (let n = 0; n < 3; n++) await assert.rejects(get(server.url), { code: 'ECONNRESET' })
    assert.deepEqual(server.records.warnings, ['connections are refused: 2 are open, and no more may be'])
    second.destroy()
    await once(second, 'close')
    assert.ok(!first.destroyed)
  })

  it('may send many requests at once on one connection: each gets its own answer, in order', async () => {
    const server = await start()
    for (let i = 0; i < 50; i++) server.engine.serve(`https://o/${i}`, `<${i}>`.repeat(1000))
    const requests = Array.from({ length: 50 }, (_, i) => {
      const last = i === 49 ? 'Connection: close\r\n' : ''
      return `GET /api/v1/fetch?url=https://o/${i} HTTP/1.1\r\nHost: localhost\r\n${last}\r\n`
    })
    const answer = await closedBy(server.port, requests.join(''))
    const bodies = [...answer.matchAll(/\r\n\r\n((?:<\d+>)+)/g)].map((match) => match[1])
    assert.deepEqual(
      bodies,
      Array.from({ length: 50 }, (_, i) => `<${i}>`.repeat(1000)),
    )
  })

  it('may send more of them than that for what is slow to come: the connection ends, and nothing of it stays', async () => {
    const server = await start({ limits: { pipelined: 10 } })
    server.engine.answer(origin, (request) => new StubArtifact(request, new GrowingBody()))
    const request = `GET /api/v1/fetch?url=${origin} HTTP/1.1\r\nHost: localhost\r\n\r\n`
    const patient = await deaf(server.port, request.repeat(10))
    sockets.push(patient)
    const socket = connect(server.port, '127.0.0.1').on('error', () => undefined)
    socket.write(request.repeat(1000))
    await new Promise((resolve) => socket.resume().once('close', resolve))
    while (server.records.records.length < 10) await server.records.next()
    assert.ok(server.records.records.every(({ outcome }) => outcome === 'aborted'))
    assert.equal(server.engine.requests.length, 20)
    assert.ok(!patient.destroyed)
    patient.destroy()
    while (server.records.records.length < 20) await server.records.next()
    // Which waits for readers.
    await server.drain()
  })

  it('may send many requests at once and leave: what those behind the first hold is given back', async () => {
    const server = await start()
    const artifacts: StubArtifact[] = []
    server.engine.answer(origin, (request) => {
      const artifact = new StubArtifact(request, finishedBody(large))
      artifacts.push(artifact)
      return artifact
    })
    const socket = await deaf(
      server.port,
      `GET /api/v1/fetch?url=${origin} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(5),
    )
    await once(socket, 'readable')
    assert.equal(artifacts.length, 5)
    socket.destroy()
    for (const artifact of artifacts) assert.equal(await artifact.closed, 'aborted')
    await server.drain()
  })

  it('may send a body with a GET: it is not read, and the answer comes', async () => {
    const server = await start()
    server.engine.serve(origin, 'hello')
    const answer = await closedBy(
      server.port,
      `GET /api/v1/fetch?url=${origin} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5\r\n\r\nabcde`,
    )
    assert.match(answer, /^HTTP\/1\.1 200 [^]*hello$/)
  })
})
