import assert from 'node:assert/strict'
import { BufferPool, type Source } from '#kiss/server/buffer-pool.js'
import { pump } from '#kiss/server/pump.js'
import type { BodySink } from '#kiss/server/reply.js'
import { until } from '../support/until.js'
import { finishedBody, GrowingBody } from './support/stub-bodies.js'

const KiB = 1024

/** Notes what it is told to send; sendfile answers as the test says, and with 0 after that. */
class FileSink implements BodySink {
  readonly sent: string[] = []
  readonly #answers: number[]
  bytes = 0

  constructor(answers: readonly number[]) {
    this.#answers = [...answers]
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.bytes += chunk.length
    this.sent.push(`write ${chunk.length / KiB}`)
  }

  async end(chunk?: Uint8Array): Promise<void> {
    this.bytes += chunk?.length ?? 0
    this.sent.push(`end ${(chunk?.length ?? 0) / KiB}`)
  }

  readonly sendFile = async (fd: number, position: number, count: number): Promise<number> => {
    const taken = Math.min(this.#answers.shift() ?? 0, count)
    assert.equal(position, this.bytes)
    this.bytes += taken
    this.sent.push(`file ${fd}: ${taken / KiB} of ${count / KiB}`)
    return taken
  }
}

describe('the pump of a body that has a file', () => {
  const run = async (size: number, answers: readonly number[]): Promise<FileSink> => {
    const body = finishedBody(Buffer.alloc(size))
    const sink = new FileSink(answers)
    let counted = 0
    const content: Source = {
      read: (buffer, position) => body.read(buffer, position),
      shared: { ...body.shared, withFile },
    }
    const sent = (bytes: number): void => void (counted += bytes)
    await pump({ content, first: 0, end: size, pool: new BufferPool(), sink, sent })
    assert.deepEqual([sink.bytes, counted], [size, size])
    return sink
  }
  const withFile = async <T>(work: (fd: number) => Promise<T>): Promise<T> => work(7)

  it('writes the first piece with the headers, then sends as much as the socket takes, and writes a piece to wait for room', async () => {
    const { sent } = await run(1000 * KiB, [500 * KiB, 0, 1000 * KiB])
    assert.deepEqual(sent, [
      'write 256',
      'file 7: 500 of 744',
      'file 7: 0 of 244',
      'write 16',
      'file 7: 228 of 228',
      'end 0',
    ])
  })

  it('sends at most 4 MiB in a call', async () => {
    const { sent } = await run(9000 * KiB, [Infinity, Infinity, Infinity])
    assert.deepEqual(sent.slice(1, 3), ['file 7: 4096 of 4096', 'file 7: 4096 of 4096'])
  })

  it('goes on with buffers after three calls in vain', async () => {
    const { sent } = await run(2000 * KiB, [])
    const vain = [1744, 1728, 1712].flatMap((left) => [`file 7: 0 of ${left}`, 'write 16'])
    assert.deepEqual(sent.slice(0, 7), ['write 256', ...vain])
    assert.ok(sent.slice(7).every((what) => /^(?:write|end)/.test(what)))
  })

  it('uses buffers where less than 512 KiB are ready, and the file again when the reader has fallen behind', async () => {
    const body = new GrowingBody(4000 * KiB)
    const sink = new FileSink(Array.from({ length: 20 }, () => Infinity))
    const shared = { ...body.shared, withFile }
    const content: Source = { read: (buffer, position) => body.read(buffer, position), shared }
    body.push(Buffer.alloc(500 * KiB))
    const done = pump({ content, first: 0, end: body.length, pool: new BufferPool(), sink, sent: () => undefined })
    await until('the reader has caught up', () => sink.bytes === 500 * KiB)
    assert.deepEqual(sink.sent.splice(0), ['write 256', 'write 244'])
    body.push(Buffer.alloc(1500 * KiB))
    await until('the reader has caught up', () => sink.bytes === 2000 * KiB)
    assert.deepEqual(sink.sent.splice(0), ['write 12', 'file 7: 1488 of 1488'])
    body.push(Buffer.alloc(100 * KiB))
    await until('the reader has caught up', () => sink.bytes === 2100 * KiB)
    assert.deepEqual(sink.sent.splice(0), ['write 48', 'write 52'])
    body.push(Buffer.alloc(1900 * KiB))
    body.finish()
    await done
    assert.deepEqual(sink.sent, ['write 204', 'file 7: 1696 of 1696', 'end 0'])
  })

  it('writes a small body from buffers', async () => {
    assert.deepEqual((await run(200 * KiB, [])).sent, ['end 200'])
    assert.deepEqual((await run(500 * KiB, [])).sent, ['write 256', 'end 244'])
  })
})
