import assert from 'node:assert/strict'
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openLayout } from '#kiss/store/layout.js'
import { Fixture, sha256 } from './support.js'

describe('the layout of a cache directory', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  // A directory of a group takes the group out of the umask, which the next test of this process needs.
  const umask = process.umask(0o022)
  process.umask(umask)
  afterEach(() => {
    process.umask(umask)
    return fixture.end()
  })

  const open = (instance = 'instance') => openLayout(fixture.dir, () => instance)

  it('is made with a new directory that only the owner can read', async () => {
    const layout = await open()
    assert.equal((await stat(fixture.dir)).mode & 0o777, 0o700)
    assert.deepEqual((await readdir(fixture.dir)).sort(), ['VERSION', 'blobs', 'transfers'])
    assert.equal(await readFile(layout.versionFile, 'utf8'), '1\ninstance\n')
  })

  it('is made beside files that are none of its own, and leaves the mode as it is', async () => {
    await mkdir(fixture.dir, { mode: 0o750 })
    await writeFile(join(fixture.dir, 'error.log'), '')
    await open()
    assert.equal((await stat(fixture.dir)).mode & 0o777, 0o750)
  })

  it('has one instance for its whole life', async () => {
    assert.equal((await open('first')).instance, 'first')
    assert.equal((await open('second')).instance, 'first')
  })

  it('has one instance for all that make it at once', async () => {
    const made = await Promise.all(Array.from({ length: 10 }, (_, i) => open(`instance ${i}`)))
    assert.equal(new Set(made.map((layout) => layout.instance)).size, 1)
    assert.deepEqual((await readdir(fixture.dir)).sort(), ['VERSION', 'blobs', 'transfers'])
  })

  it('refuses another version, and says which, where and what to do', async () => {
    await mkdir(fixture.dir)
    await writeFile(join(fixture.dir, 'VERSION'), '2\nx\n')
    await assert.rejects(open(), (error: Error & { code: string }) => {
      assert.equal(error.code, 'configuration')
      assert.ok(error.message.includes(fixture.dir) && error.message.includes('"2"'), error.message)
      assert.match(error.message, /choose another --cache-dir/)
      return true
    })
    assert.deepEqual(await readdir(fixture.dir), ['VERSION'])
  })

  it('refuses a directory in which another program keeps things under our names, until told that they are ours', async () => {
    await mkdir(join(fixture.dir, 'blobs'), { recursive: true })
    await assert.rejects(open(), { code: 'configuration', message: /"blobs".*another program/ })
    await writeFile(join(fixture.dir, 'VERSION'), '1\n')
    assert.equal((await open()).instance, 'instance')
    assert.equal((await open('another')).instance, 'instance')
  })

  it('says disk where the directory cannot be made', async () => {
    await writeFile(fixture.dir, 'a file')
    await assert.rejects(open(), { code: 'disk', message: /cannot use the cache directory/ })
  })

  it('keeps blobs in 256 folders, with their descriptions beside them', async () => {
    const layout = await open()
    const sum = sha256('x')
    assert.equal(layout.blob(sum), join(fixture.dir, 'blobs', sum.slice(0, 2), sum))
    assert.equal(layout.description(sum, 'key'), `${layout.blob(sum)}.key.json`)
  })
})
