/** Writes that a disk does not take, in the form of pipes that nobody reads. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import * as fs from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { appendTo } from '#kiss/flight/appending.js'
import { bytes } from '../support/bytes.js'

/** Bytes that a pipe holds. */
const PIPE = 64 * 1024

describe('appending to a file on a slow disk', () => {
  let folder: string
  const children: ChildProcess[] = []
  const files: number[] = []
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kiss-appending-'))
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill()
    for (const file of files.splice(0)) fs.closeSync(file)
    await rm(folder, { recursive: true })
  })

  /** A pipe that takes no more bytes, open for writing. */
  function full(name: string): { readonly path: string; readonly file: number } {
    const path = join(folder, name)
    execFileSync('mkfifo', [path])
    const file = fs.openSync(path, fs.constants.O_RDWR)
    files.push(file)
    assert.equal(fs.writeSync(file, Buffer.alloc(PIPE)), PIPE)
    return { path, file }
  }

  /** Reads the pipe a moment after it is asked to, or after 5 s, so that no write waits for ever. */
  function readerOf(path: string): ChildProcess {
    const reader = spawn('sh', [
      '-c',
      `timeout 5 sh -c 'read x' && echo asked; sleep 0.1; exec cat "${path}" >/dev/null`,
    ])
    children.push(reader)
    return reader
  }

  it('leaves threads for reads while many large writes wait', async () => {
    const pipes = Array.from({ length: 8 }, (_, index) => full(`pipe-${index}`))
    const large = bytes('large', PIPE + 1)
    const readers = pipes.map(({ path }) => readerOf(path))
    const asked = Promise.all(readers.map(({ stdout }) => text(stdout!)))
    const writes = pipes.map(({ file }) => appendTo(file, [large], large.length))
    assert.ok((await readFile(new URL(import.meta.url))).length > 0)
    for (const { stdin } of readers) stdin?.end('\n')
    assert.deepEqual(new Set(await asked), new Set(['asked\n']), 'the read waited until the pipes were read')
    assert.deepEqual(await Promise.all(writes), Array(8).fill(large.length))
  })

  it('goes on in the event loop while small writes wait, after one that took long', async () => {
    const small = bytes('small', 1000)
    const first = full('first')
    readerOf(first.path).stdin?.end('\n')
    assert.equal(await appendTo(first.file, [small], small.length), small.length)
    const second = full('second')
    const reader = readerOf(second.path)
    const asked = text(reader.stdout!)
    const write = appendTo(second.file, [small], small.length)
    await turn()
    reader.stdin?.end('\n')
    assert.equal(await asked, 'asked\n', 'the write held the event loop until the pipe was read')
    assert.equal(await write, small.length)
  })
})
