/** The writing end of a body: small chunks are written together, and none of them is lost. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BodyWriter } from '#kiss/flight/writer.js'
import { bytes, sha256 } from '../support/bytes.js'

describe('the writer of a body', () => {
  const body = bytes('writer', 3 * 1024 * 1024)
  let folder: string
  let shown: number
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kiss-writer-'))
    shown = 0
  })
  afterEach(() => rm(folder, { recursive: true }))

  const open = (): Promise<BodyWriter> =>
    BodyWriter.open({
      path: join(folder, 'body'),
      mode: 0o600,
      onGrow: (size) => (shown = size),
      reserve: async () => undefined,
      makeRoom: async () => false,
    })

  async function append(writer: BodyWriter, chunkSize: number): Promise<void> {
    for (let at = 0; at < body.length; at += chunkSize) await writer.append(body.subarray(at, at + chunkSize))
  }

  for (const chunkSize of [1_000, 64 * 1024, 700_000, body.length]) {
    it(`has written and shown every byte after a flush, from chunks of ${chunkSize} bytes`, async () => {
      const writer = await open()
      await append(writer, chunkSize)
      await writer.flush()
      assert.deepEqual([writer.size, shown], [body.length, body.length])
      assert.equal(writer.digest(), sha256(body))
      assert.ok((await readFile(join(folder, 'body'))).equals(body))
      await writer.close()
    })
  }

  it('writes what it has taken when it is closed', async () => {
    const writer = await open()
    await append(writer, 1_000)
    await writer.close()
    assert.ok((await readFile(join(folder, 'body'))).equals(body))
  })

  it('shows bytes without a flush when no others follow', async () => {
    const writer = await open()
    await writer.append(body.subarray(0, 10))
    await writer.append(body.subarray(10, 20))
    while (shown < 20) await new Promise((resolve) => setImmediate(resolve))
    await writer.close()
  })

  it('gathers no longer because of bodies that have no byte yet', async () => {
    const waiting = await Promise.all(Array.from({ length: 200 }, open))
    const writer = await open()
    await writer.append(body.subarray(0, 10))
    await writer.append(body.subarray(10, 20))
    // Timers fire in the order of their ends, and 200 bodies that are being written would gather for 200 ms.
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(shown, 20)
    await Promise.all([writer, ...waiting].map((each) => each.close()))
  })

  it('reports a refused write at the flush, and takes no more chunks', async () => {
    const writer = await BodyWriter.open({
      path: join(folder, 'body'),
      mode: 0o600,
      onGrow: () => undefined,
      reserve: () => Promise.reject(new Error('no space')),
      makeRoom: async () => false,
    })
    await writer.append(body.subarray(0, 10)).catch(() => undefined)
    await assert.rejects(writer.flush(), /no space/)
    await assert.rejects(writer.append(body.subarray(10, 20)), /no space/)
    await writer.close()
  })
})
