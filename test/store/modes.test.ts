import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeGeneration } from '#kiss/flight/directory.js'
import { modesBelow, PRIVATE } from '#kiss/store/files.js'
import { Fixture, put } from './support.js'

describe('the permissions in a cache directory', () => {
  const fixture = new Fixture()
  const umask = process.umask(0o022)
  process.umask(umask)
  beforeEach(() => fixture.begin())
  afterEach(async () => {
    process.umask(umask)
    await fixture.end()
  })

  async function below(
    mode: number,
  ): Promise<{ readonly name: string; readonly mode: number; readonly isDirectory: boolean }[]> {
    await mkdir(fixture.dir)
    await chmod(fixture.dir, mode)
    const store = await fixture.open()
    await put(store, 'a', 'body')
    const generation = await makeGeneration(join(store.layout.transfers, 'key'), 1)
    await generation?.setTrouble({ reason: 'trouble', attempts: 1 })
    const found = await readdir(fixture.dir, { recursive: true, withFileTypes: true })
    return Promise.all(
      found.map(async (file) => ({
        name: file.name,
        mode: (await stat(join(file.parentPath, file.name))).mode & 0o7777,
        isDirectory: file.isDirectory(),
      })),
    )
  }

  it('let only the owner in, also where the directory was there with mode 0755', async () => {
    const files = await below(0o755)
    assert.ok(files.length > 8)
    for (const { name, mode, isDirectory } of files) {
      const expected = isDirectory ? 0o700 : /^[0-9a-f]{64}$/.test(name) ? 0o400 : 0o600
      assert.equal(mode.toString(8), expected.toString(8), name)
    }
  })

  it('let the group of a setgid directory in as far as the directory does', async () => {
    for (const { name, mode, isDirectory } of await below(0o2770)) {
      const expected = isDirectory ? 0o2770 : /^[0-9a-f]{64}$/.test(name) ? 0o440 : 0o660
      assert.equal(mode.toString(8), expected.toString(8), name)
    }
  })

  it('are taken from everybody else where an older kiss gave them', async () => {
    await fixture.open()
    for (const name of ['.', 'blobs', 'transfers']) await chmod(join(fixture.dir, name), 0o755)
    for (const name of ['index.sqlite', 'changes']) await writeFile(join(fixture.dir, name), '', { flag: 'a' })
    for (const name of ['index.sqlite', 'changes']) await chmod(join(fixture.dir, name), 0o644)
    await fixture.open()
    const modes = async (name: string) => ((await stat(join(fixture.dir, name))).mode & 0o777).toString(8)
    assert.deepEqual(await Promise.all(['blobs', 'transfers'].map(modes)), ['700', '700'])
    assert.deepEqual(await Promise.all(['index.sqlite', 'changes'].map(modes)), ['600', '600'])
  })

  it('follow a group that was set up, and no other', () => {
    const gid = process.getegid!()
    assert.deepEqual(modesBelow({ mode: 0o2750, gid }), { directory: 0o2750, file: 0o640, blob: 0o440 })
    assert.deepEqual(modesBelow({ mode: 0o770, gid }), { directory: 0o770, file: 0o660, blob: 0o440 })
    assert.deepEqual(modesBelow({ mode: 0o750, gid }), { directory: 0o750, file: 0o640, blob: 0o440 })
    assert.equal(modesBelow({ mode: 0o770, gid: gid + 1 }), PRIVATE)
    assert.equal(modesBelow({ mode: 0o755, gid }), PRIVATE)
    assert.equal(modesBelow({ mode: 0o777, gid }), PRIVATE)
  })
})
