import assert from 'node:assert/strict'
import { bufferSize, BufferPool, spareSize } from '#kiss/server/buffer-pool.js'
import { holdingLastByte, pump } from '#kiss/server/pump.js'
import type { BodySink } from '#kiss/server/reply.js'
import { KissError } from '#kiss/errors.js'
import { finishedBody, GrowingBody } from './support/stub-bodies.js'

/** A sink that takes the next chunk when the test lets it. */
class ManualSink implements BodySink {
  readonly taken: Buffer[] = []
  ended = false
  readonly #handed: { resolve: () => void; reject: (error: Error) => void }[] = []
  #arrived: (() => void)[] = []

  write(chunk: Uint8Array): Promise<void> {
    this.taken.push(Buffer.from(chunk))
    return new Promise((resolve, reject) => {
      this.#handed.push({ resolve, reject })
      for (const arrived of this.#arrived.splice(0)) arrived()
    })
  }

  end(chunk: Uint8Array = Buffer.alloc(0)): Promise<void> {
    this.ended = true
    return this.write(chunk)
  }

  /** Lets the oldest chunk go, once there is one. */
  async release(error?: Error): Promise<void> {
    while (this.#handed.length === 0) await new Promise<void>((resolve) => this.#arrived.push(resolve))
    const { resolve, reject } = this.#handed.shift()!
    if (error === undefined) resolve()
    else reject(error)
  }
}

describe('the body pump', () => {
  const setUp = (
    content: GrowingBody,
    pool = new BufferPool(),
  ): { sink: ManualSink; counted: number[]; run: (first: number, end?: number) => Promise<void>; pool: BufferPool } => {
    const sink = new ManualSink()
    const counted: number[] = []
    const run = (first: number, end?: number): Promise<void> =>
      pump({ content, first, end, pool, sink, sent: (bytes) => counted.push(bytes) })
    return { sink, counted, run, pool }
  }

  it('reads one buffer ahead and no more, and counts what was taken', async () => {
    const content = finishedBody(Buffer.alloc(5 * bufferSize, 1))
    const { sink, counted, run, pool } = setUp(content)
    const done = run(0, content.length)
    await new Promise(setImmediate)
    assert.deepEqual([content.reads, sink.taken.length, pool.made, counted], [2, 1, 2, []])
    await sink.release()
    await new Promise(setImmediate)
    assert.deepEqual([content.reads, sink.taken.length, pool.made, counted], [3, 2, 2, [bufferSize]])
    for (let i = 0; i < 4; i++) await sink.release()
    await done
    assert.ok(sink.ended)
    assert.deepEqual([Buffer.concat(sink.taken).equals(content.bytes), pool.made], [true, 2])
  })

  it('reads nothing ahead where many read', async () => {
    const content = finishedBody(Buffer.alloc(3 * bufferSize, 1))
    const { sink, run, pool } = setUp(content, new BufferPool({ crowd: 1 }))
    const done = run(0, content.length)
    for (let i = 1; i <= 3; i++) {
      await new Promise(setImmediate)
      assert.deepEqual([content.reads, sink.taken.length, pool.made], [i, i, 1])
      await sink.release()
    }
    await done
    assert.ok(Buffer.concat(sink.taken).equals(content.bytes))
  })

  it('never sends a byte beyond the end that it was given', async () => {
    const content = finishedBody('hello, world')
    const { sink, run } = setUp(content)
    const done = run(2, 7)
    await sink.release()
    await done
    assert.equal(String(Buffer.concat(sink.taken)), 'llo, ')
  })

  it('does not take an early end for the end', async () => {
    const content = finishedBody('short')
    const { sink, run } = setUp(content)
    const done = run(0, 10)
    await sink.release()
    await assert.rejects(done, (error) => error instanceof KissError && error.code === 'length-mismatch')
    assert.ok(!sink.ended)
  })

  it('fails as the content fails, after what was read before', async () => {
    const content = new GrowingBody(10)
    const { sink, run, counted } = setUp(content)
    const done = run(0, 10)
    content.push('hello')
    content.fail(new KissError('content-changed', 'changed'))
    await sink.release()
    await assert.rejects(done, (error) => error instanceof KissError && error.code === 'content-changed')
    assert.deepEqual(counted, [5])
  })

  it('does not use a buffer again that a failed write may still read from', async () => {
    const content = finishedBody(Buffer.alloc(3 * bufferSize))
    const { sink, run, pool, counted } = setUp(content)
    const done = run(0, content.length)
    await sink.release(new Error('gone'))
    await assert.rejects(done, /gone/)
    assert.deepEqual([pool.made, counted], [1, []])
  })
})

describe('the buffer pool', () => {
  const everything = Infinity

  it('is bounded: beyond it there are small buffers that are not kept', async () => {
    const pool = new BufferPool({ limit: 2, keep: 1 })
    const bodies = [1, 2, 3].map((fill) => pool.join(finishedBody(Buffer.alloc(bufferSize, fill))))
    const taken = await Promise.all(bodies.map((reader) => reader.take(0, everything)))
    assert.deepEqual(
      taken.map((piece) => piece?.data.length),
      [bufferSize, bufferSize, spareSize],
    )
    for (const piece of taken) piece?.release()
    assert.equal(pool.made, 1)
  })

  it('reads once what several readers of one body are waiting for', async () => {
    const pool = new BufferPool()
    const content = new GrowingBody()
    const readers = [1, 2, 3].map(() => pool.join(content))
    const taken = Promise.all(readers.map((reader) => reader.take(0, everything)))
    content.push('hello')
    assert.deepEqual(
      (await taken).map((piece) => String(piece?.data)),
      ['hello', 'hello', 'hello'],
    )
    assert.deepEqual([content.reads, pool.made], [1, 1])
  })

  it('brings readers together that began at different bytes', async () => {
    const pool = new BufferPool()
    const content = finishedBody(Buffer.alloc(2 * bufferSize, 1))
    const [a, b] = [pool.join(content), pool.join(content)]
    const first = await a.take(0, everything)
    const second = await b.take(100, everything)
    assert.deepEqual([first?.data.length, second?.data.length], [bufferSize, bufferSize - 100])
    const next = [await a.take(bufferSize, everything), await b.take(bufferSize, everything)]
    assert.deepEqual(
      next.map((piece) => piece?.data.length),
      [bufferSize, bufferSize],
    )
    assert.equal(content.reads, 3)
  })

  it('gives a reader none of the bytes that are held back from it', async () => {
    const pool = new BufferPool()
    const content = finishedBody('hello')
    const part = { shared: { ...content.shared, arrived: () => 4 }, read: content.read.bind(content) }
    const [free, held] = [pool.join(content), pool.join(part)]
    assert.equal(String((await free.take(0, everything))?.data), 'hello')
    assert.equal(String((await held.take(0, everything))?.data), 'hell')
    assert.equal(String((await held.take(0, 3))?.data), 'hel')
    assert.equal(content.reads, 1)
  })

  it('uses no buffer for other bytes while one of its readers writes from it', async () => {
    const pool = new BufferPool({ limit: 1 })
    const content = finishedBody(Buffer.alloc(bufferSize, 1))
    const [slow, fast] = [pool.join(content), pool.join(content)]
    const slowly = await slow.take(0, everything)
    const quickly = await fast.take(0, everything)
    quickly?.release()
    const other = await pool.join(finishedBody(Buffer.alloc(bufferSize, 2))).take(0, everything)
    assert.equal(other?.data.length, spareSize)
    assert.equal(
      slowly?.data.every((byte) => byte === 1),
      true,
    )
    slowly.forget()
    assert.equal(pool.made, 0)
  })

  it('fails for all readers that wait for one read, and reads anew for the next', async () => {
    const pool = new BufferPool()
    const content = finishedBody('hello')
    let fails = true
    const read = async (buffer: Uint8Array, position: number): Promise<number> => {
      if (fails) throw new Error('no such device')
      return content.read(buffer, position)
    }
    const source = { shared: { ...content.shared, read }, read }
    const readers = [pool.join(source), pool.join(source)]
    const outcomes = await Promise.allSettled(readers.map((reader) => reader.take(0, everything)))
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    fails = false
    assert.equal(String((await readers[0]!.take(0, everything))?.data), 'hello')
    assert.equal(pool.made, 1)
  })

  it('gives the bytes to all readers when the one that came first ends', async () => {
    const content = finishedBody('hello')
    const gone = { shared: content.shared, read: () => Promise.reject(new Error('this reader has ended')) }
    const pool = new BufferPool()
    const readers = [pool.join(gone), pool.join(content)]
    const taken = await Promise.all(readers.map((reader) => reader.take(0, everything)))
    assert.deepEqual(
      taken.map((piece) => String(piece?.data)),
      ['hello', 'hello'],
    )
  })
})

describe('holding a last byte back', () => {
  it('reads up to it freely, and it after the sum', async () => {
    const content = finishedBody('hello, world')
    let sums = 0
    const held = holdingLastByte(content, 5, async () => sums++)
    const buffer = Buffer.alloc(5)
    assert.equal(await held.read(buffer, 0), 4)
    assert.equal(sums, 0)
    assert.equal(await held.read(buffer.subarray(0, 1), 4), 1)
    assert.deepEqual([sums, String(buffer.subarray(0, 1))], [1, 'o'])
    assert.equal(await held.read(buffer.subarray(0, 2), 0), 2)
    assert.equal(sums, 1)
  })
})
