/** The bytes of a fast download go to its readers from the memory into which they were received. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { Tail } from '#kiss/flight/tail.js'
import type { Taken } from '#kiss/store/types.js'
import { recycle, slabReads } from '#kiss/upstream/slabs.js'
import { bytes } from '../support/bytes.js'

describe('the tail of a growing body', () => {
  const body = bytes('tail', 16 * 1024 * 1024)
  let tail: Tail
  beforeEach(() => (tail = new Tail()))
  afterEach(() => tail.close())

  /** Receives the body as a connection whose reads fill their buffers. @param use gets the position of each chunk */
  function receive(use: (position: number, chunk: Buffer) => void): void {
    const reads = slabReads()
    for (let position = 0; position < body.length;) {
      const into = (reads.buffer as () => Uint8Array)()
      const read = body.copy(into, 0, position)
      const push = (chunk: Buffer): boolean => {
        tail.add(position, chunk)
        use(position, chunk)
        // The writer needs the chunk no longer.
        recycle(chunk)
        return true
      }
      reads.callback.call({ push } as unknown as Socket, read, into)
      position += read
    }
  }

  const isRight = (position: number, data: Buffer): boolean =>
    data.equals(body.subarray(position, position + data.length))

  for (const end of ['release', 'forget'] as const) {
    it(`keeps the bytes of a reader until their ${end}, while the memory of others is reused`, () => {
      const held: { position: number; taken: Taken }[] = []
      const endOne = (): void => {
        const { position, taken } = held.shift()!
        assert.ok(isRight(position, taken.data))
        taken[end]()
      }
      let count = 0
      receive((start, chunk) => {
        for (const position of [start, start + 1, start + chunk.length - 1]) {
          const taken = tail.take(position)
          if (taken !== undefined) count = held.push({ position, taken })
        }
        while (held.length > 20) endOne()
      })
      assert.ok(count > 0)
      while (held.length > 0) endOne()
    })
  }

  it('does not reuse memory after a cancelled write, which may still read it', () => {
    const forgotten: { position: number; data: Buffer }[] = []
    receive((position) => {
      const taken = forgotten.length < 4 ? tail.take(position) : undefined
      if (taken === undefined) return
      forgotten.push({ position, data: taken.data })
      taken.forget()
    })
    assert.equal(forgotten.length, 4)
    for (const { position, data } of forgotten) assert.ok(isRight(position, data))
  })

  it('has the last bytes of the body only, and none after the last reader has left', () => {
    let first: number | undefined
    let last = 0
    receive((position) => {
      const taken = tail.take(position)
      taken?.release()
      if (taken !== undefined) first ??= position
      last = position
    })
    assert.ok(first !== undefined)
    assert.equal(tail.take(first), undefined)
    const taken = tail.take(last)
    assert.ok(taken !== undefined && isRight(last, taken.data))
    taken.release()
    tail.close()
    assert.equal(tail.take(last), undefined)
  })

  it('leaves the bytes to the file when readers hold as much memory as they may', () => {
    const held: Taken[] = []
    for (let round = 0; round < 4; round++) {
      receive((position) => {
        const taken = tail.take(position)
        if (taken !== undefined) held.push(taken)
      })
    }
    const { size } = new Set(held.map(({ data }) => data.buffer))
    assert.ok(size > 0 && size <= 64, `${size} chunks of 256 KiB are held`)
    for (const taken of held) taken.release()
  })

  it('does not have the chunks of a slow connection', () => {
    tail.add(0, Buffer.from('slow'))
    assert.equal(tail.take(0), undefined)
  })
})
