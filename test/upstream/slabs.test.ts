/** The memory that connections read into: it is reused, and never while its bytes are in use. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { recycle, slabReads } from '#kiss/upstream/slabs.js'
import { bytes } from '../support/bytes.js'

describe('the memory of connections', () => {
  let server: Server
  let body: Buffer

  before(async () => {
    server = createServer((socket) => socket.end(body))
    await once(server.listen(0, '127.0.0.1'), 'listening')
  })
  after(() => server.close())

  /** @param use gets each chunk and returns the bytes to keep */
  async function receive(use: (chunk: Buffer) => Buffer): Promise<Buffer> {
    const { port } = server.address() as AddressInfo
    const socket = connect({ port, host: '127.0.0.1', onread: slabReads() })
    const kept: Buffer[] = []
    for await (const chunk of socket) kept.push(use(chunk as Buffer))
    return Buffer.concat(kept)
  }

  it('keeps the bytes of chunks that are in use while other chunks are recycled', async () => {
    body = bytes('slabs', 8 * 1024 * 1024)
    let count = 0
    const mixed = (chunk: Buffer): Buffer => {
      if (count++ % 2 === 0) return chunk
      const copy = Buffer.from(chunk)
      recycle(chunk)
      return copy
    }
    assert.ok((await receive(mixed)).equals(body))
    assert.ok((await receive(mixed)).equals(body), 'and in a second connection, which reads into used memory')
  })

  it('does not reuse memory for a part of what was read', async () => {
    body = bytes('parts', 4 * 1024 * 1024)
    const halves = (chunk: Buffer): Buffer => {
      recycle(chunk.subarray(0, chunk.length >> 1))
      return chunk
    }
    assert.ok((await receive(halves)).equals(body))
  })

  it('does not keep a large buffer for a few bytes', async () => {
    body = Buffer.from('a few bytes')
    let held = 0
    const received = await receive((chunk) => {
      held = chunk.buffer.byteLength
      return chunk
    })
    assert.equal(received.toString(), 'a few bytes')
    // Small buffers share the memory of a pool, which has 64 KiB in Node 24.
    assert.ok(held <= Buffer.poolSize, `${held} bytes are held`)
  })
})
