import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createBundle } from '#kiss/cli/bundle/create.js'
import type { OpenBlob } from '#kiss/store/types.js'
import { latch } from '../../support/latch.js'
import { entryOf, sha256 } from '../../store/support.js'

describe('the file of a bundle', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kiss-bundle-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  /** Writes a bundle of one body, which is read once `ready` resolves. */
  function create(file: string, body: string, ready: Promise<unknown>): Promise<void> {
    const entry = entryOf('a', body)
    const blob = {
      size: entry.size,
      read: async (buffer: Uint8Array) => (Buffer.from(buffer.buffer, buffer.byteOffset).write(body), body.length),
      close: async () => undefined,
    }
    const open = async (): Promise<OpenBlob> => {
      await ready
      return blob as unknown as OpenBlob
    }
    return createBundle({ open }, [entry], file, new AbortController().signal)
  }

  it('is that of the last one when two are written at once', async () => {
    const file = path.join(folder, 'all.tar')
    const gate = latch()
    const slow = create(file, 'slow', gate.opened)
    await create(file, 'a faster one', Promise.resolve())
    assert.deepEqual(blobsIn(file), [`blobs/${sha256('a faster one')}`])
    gate.open()
    await slow
    assert.deepEqual(blobsIn(file), [`blobs/${sha256('slow')}`])
    assert.deepEqual(readdirSync(folder), ['all.tar'])
  })
})

function blobsIn(file: string): string[] {
  return execFileSync('tar', ['tf', file], { encoding: 'utf8' }).trim().split('\n').slice(1)
}
