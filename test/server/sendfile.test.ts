import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer, type ServerResponse } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ResponseSink } from '#kiss/server/response-sink.js'
import { loadLibc, loadSendfile, sendfileThrough, type Sendfile } from '#kiss/server/sendfile.js'
import { bytes } from '../support/bytes.js'
import { until } from '../support/until.js'
import { get, open, raw } from './support/client.js'
import { engineServers } from './support/engine-servers.js'

const MiB = 1024 * 1024

/** Paths of the open descriptors of this process. */
const descriptors = (): number => readdirSync('/proc/self/fd').length

const supported = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)

describe('sendfile', () => {
  const body = bytes('sendfile', 8 * MiB)
  let directory: string
  let file: number
  let sendfile: Sendfile

  before(async function () {
    // The module says where the kernel has this call, with these types.
    if (!supported) return this.skip()
    const loaded = await loadSendfile()
    assert.ok(loaded, 'koffi has a build for this processor')
    sendfile = loaded
    directory = await mkdtemp(path.join(tmpdir(), 'kiss-sendfile-'))
    writeFileSync(path.join(directory, 'body'), body)
    file = openSync(path.join(directory, 'body'), 'r')
  })
  after(async () => {
    if (!supported) return
    closeSync(file)
    await rm(directory, { recursive: true })
  })

  /** Two ends of a connection. The reader reads nothing until somebody listens to its data. */
  const pair = async (): Promise<{ writer: Socket; reader: Socket; descriptor: () => number | undefined }> => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const reader = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const [writer] = (await once(server, 'connection')) as [Socket]
    server.close()
    const { _handle: handle } = writer as unknown as { _handle: { fd: number } }
    return { writer, reader, descriptor: () => handle.fd }
  }

  it('sends the bytes from a position on, and no more than it was told to', async () => {
    const { writer, reader, descriptor } = await pair()
    const got: Buffer[] = []
    reader.on('data', (chunk) => got.push(chunk))
    assert.equal(await sendfile(descriptor, file, 12_345, 10_000), 10_000)
    writer.end()
    await once(reader, 'end')
    assert.ok(Buffer.concat(got).equals(body.subarray(12_345, 22_345)))
  })

  it('sends nothing to a full socket, and nothing behind the end of the file', async () => {
    const { writer, reader, descriptor } = await pair()
    let position = 0
    for (;;) {
      const sent = await sendfile(descriptor, file, position % body.length, MiB)
      if (sent === 0) break
      position += sent
    }
    assert.ok(position > 0)
    const read: Buffer[] = []
    reader.on('data', (chunk) => read.push(chunk))
    await until('room in the socket', () => Buffer.concat(read).length === position)
    assert.equal(await sendfile(descriptor, file, body.length, MiB), 0)
    writer.destroy()
  })

  it('sends nothing to a closed socket, and leaves no descriptor open', async () => {
    const { writer, descriptor } = await pair()
    const before = descriptors()
    writer.destroy()
    await once(writer, 'close')
    assert.equal(await sendfile(() => undefined, file, 0, MiB), 0)
    assert.equal(await sendfile(descriptor, file, 0, MiB), 0)
    assert.ok(descriptors() <= before)
  })
})

describe('calls of sendfile', () => {
  const MEMORY = 3
  const DISK = 4

  /** The calls of a program whose disk gives nothing until the test says so. */
  const start = (): { send: (fd: number, count: number) => Promise<number>; calls: string[]; answer: () => void } => {
    const calls: string[] = []
    const waiting: (() => void)[] = []
    const sendfile = sendfileThrough({
      duplicate: (fd) => fd + 100,
      close: (fd) => void calls.push(`close ${fd}`),
      sendfile: async (out, fd, position, count) => {
        calls.push(`send ${count} of ${fd}`)
        if (fd === DISK) await new Promise<void>((resolve) => waiting.push(resolve))
        return count
      },
      // The first megabyte has been read ahead.
      isOnDisk: (fd, position) => fd === DISK && position >= MiB,
    })
    return { send: (fd, count) => sendfile(() => 1, fd, 0, count), calls, answer: () => waiting.shift()?.() }
  }

  it('do not wait for those that read from the disk, of which two are made at a time and with 1 MiB', async () => {
    const { send, calls, answer } = start()
    const cold = Array.from({ length: 4 }, () => send(DISK, 4 * MiB))
    assert.deepEqual(await Promise.all(Array.from({ length: 9 }, () => send(MEMORY, 4 * MiB))), Array(9).fill(4 * MiB))
    const fromDisk = (): string[] => calls.filter((call) => call.endsWith(`of ${DISK}`))
    assert.deepEqual(fromDisk(), Array(2).fill(`send ${MiB} of ${DISK}`))
    answer()
    assert.equal(await cold[0], MiB)
    await until('the next call', () => fromDisk().length === 3)
    for (let n = 0; n < 3; n++) {
      await until('the next call', () => fromDisk().length === Math.min(4, 3 + n))
      answer()
    }
    assert.deepEqual(await Promise.all(cold), Array(4).fill(MiB))
    assert.equal(calls.filter((call) => call.startsWith('close')).length, 13)
  })

  it('know that bytes are in memory that were just written', async function () {
    if (!supported) return this.skip()
    const directory = await mkdtemp(path.join(tmpdir(), 'kiss-sendfile-'))
    writeFileSync(path.join(directory, 'body'), Buffer.alloc(MiB))
    const file = openSync(path.join(directory, 'body'), 'r')
    const libc = await loadLibc()
    for (const position of [0, MiB - 1, MiB]) assert.equal(libc?.isOnDisk(file, position), false)
    closeSync(file)
    await rm(directory, { recursive: true })
  })
})

describe('a response that is sent from a file', () => {
  it('does not count as stalled while the client takes bytes', async () => {
    const taken = [1000, 0, 500]
    const renewed: number[] = []
    const answer = async (response: ServerResponse): Promise<void> => {
      const sink = new ResponseSink(
        response,
        () => response.writeHead(200, { 'Content-Length': '0' }),
        async () => taken.shift() ?? 0,
      )
      await sink.write(Buffer.alloc(0))
      const socket = response.socket!
      const setTimeout = socket.setTimeout.bind(socket)
      socket.setTimeout = (milliseconds) => {
        renewed.push(milliseconds)
        return setTimeout(milliseconds)
      }
      for (let position = 0; position < 3; position++) await sink.sendFile?.(1, position, 1000)
      await sink.end()
    }
    const server = createHttpServer((_, response) => void answer(response))
    server.timeout = 60_000
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    await get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    server.close()
    assert.deepEqual(renewed.slice(0, 2), [60_000, 60_000])
  })
})

describe('bodies that are sent from their files', () => {
  const here = engineServers()
  const sizes = [300_000, 2 * MiB + 1, 3 * MiB + 17]
  const bodies = sizes.map((size, index) => bytes(`file ${index}`, size))

  const start = async (): Promise<{ port: number; url: (index: number) => string }> => {
    bodies.forEach((body, index) => here.origin.serve(`/${index}`, { body, etag: `"${index}"` }))
    const { server } = await here.start()
    return {
      port: server.port,
      url: (index) => `${server.url}api/v1/fetch?url=${encodeURIComponent(here.origin.url(`/${index}`))}`,
    }
  }

  it('reach each of many clients whole, while other clients leave in the middle', async () => {
    const { url } = await start()
    const leave = async (index: number): Promise<void> => {
      const answer = await open(url(index))
      await once(answer, 'data')
      answer.destroy()
    }
    const read = async (index: number): Promise<void> => {
      const { body, complete } = await get(url(index))
      assert.ok(complete && body.equals(bodies[index]!), `body ${index}`)
    }
    const round = (count: number): Promise<void>[] =>
      Array.from({ length: count }, (_, n) => (n % 2 === 0 ? read : leave)(n % bodies.length))
    const before = descriptors()
    // Misses, and then hits.
    await Promise.all(round(14))
    for (let n = 0; n < 4; n++) await Promise.all(round(14))
    if (supported) await until('the descriptors are closed', () => descriptors() <= before + 5)
  })

  it('come in order on a connection that asks for several at once', async () => {
    const { port, url } = await start()
    await Promise.all(bodies.map((_, index) => get(url(index))))
    const order = [2, 1, 0, 1, 2]
    const requests = order.map((index, n) => {
      const { pathname, search } = new URL(url(index))
      const last = n === order.length - 1 ? 'Connection: close\r\n' : ''
      return `GET ${pathname}${search} HTTP/1.1\r\nHost: localhost\r\n${last}\r\n`
    })
    let rest = Buffer.from(await raw(port, requests.join('')), 'latin1')
    for (const index of order) {
      const head = rest.indexOf('\r\n\r\n') + 4
      assert.match(
        rest.subarray(0, head).toString(),
        new RegExp(`^HTTP/1.1 200 .*content-length: ${sizes[index]}\r`, 'is'),
      )
      assert.ok(rest.subarray(head, head + sizes[index]!).equals(bodies[index]!), `body ${index}`)
      rest = rest.subarray(head + sizes[index]!)
    }
    assert.equal(rest.length, 0)
  })

  it('reach a client that reads slowly whole, and one that wants a range', async () => {
    const { url } = await start()
    await get(url(2))
    const slow = await open(url(2))
    const chunks: Buffer[] = []
    for await (const chunk of slow) {
      chunks.push(chunk as Buffer)
      if (chunks.length % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    assert.ok(Buffer.concat(chunks).equals(bodies[2]!))
    const { body } = await get(url(2), { headers: { Range: 'bytes=1000000-2999999' } })
    assert.ok(body.equals(bodies[2]!.subarray(1_000_000, 3_000_000)))
  })
})
