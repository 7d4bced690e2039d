import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { GrowingBody } from '#kiss/flight/body.js'
import { KissError } from '#kiss/errors.js'

describe('a growing body', () => {
  let folder: string
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'kiss-body-'))))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const descriptors = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)
      } catch {
        return false
      }
    }).length
  const file = (name: string, bytes: Buffer): string => {
    const target = path.join(folder, name)
    writeFileSync(target, bytes)
    return target
  }

  it('compares the file of another generation to its end, although its last reader leaves meanwhile', async () => {
    const bytes = Buffer.alloc(8 * 1024 * 1024, 7)
    const body = new GrowingBody()
    body.expect(bytes.length + 1)
    body.attach(file('1', bytes))
    body.grow(bytes.length)
    const exchanged = body.exchange(file('2', bytes))
    body.fail(new KissError('origin-failed', 'the origin is gone'))
    await body.close()
    assert.equal(await exchanged, true)
    assert.equal(descriptors(), 0)
  })

  it('goes on in its own file where the other one has other bytes, and leaves no descriptor open', async () => {
    const body = new GrowingBody()
    body.attach(file('1', Buffer.from('hello')))
    body.grow(5)
    assert.equal(await body.exchange(file('2', Buffer.from('jello'))), false)
    const buffer = Buffer.alloc(5)
    assert.equal(await body.read(buffer, 0), 5)
    assert.equal(String(buffer), 'hello')
    body.finish()
    await body.close()
    assert.equal(descriptors(), 0)
  })
})
