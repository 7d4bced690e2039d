import assert from 'node:assert/strict'
import { readFile, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { openLayout } from '#kiss/store/layout.js'
import { inodeOf, setAside } from '#kiss/store/index/setaside.js'
import { Fixture } from '../support.js'

describe('setting an index aside', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  const open = () => openLayout(fixture.dir, () => 'instance')

  it('takes along what SQLite keeps beside it', async () => {
    const layout = await open()
    for (const suffix of ['', '-wal', '-shm']) await writeFile(layout.index + suffix, `index${suffix}`)
    const aside = await setAside(layout, (await stat(layout.index)).ino, 'now')
    assert.equal(aside, `${layout.index}.damaged-now`)
    for (const suffix of ['', '-wal', '-shm']) assert.equal(await readFile(aside + suffix, 'utf8'), `index${suffix}`)
    assert.equal(await inodeOf(layout.index), undefined)
  })

  it('leaves an index that is not the damaged one any more', async () => {
    const layout = await open()
    await writeFile(layout.index, 'new')
    assert.equal(await setAside(layout, (await stat(layout.index)).ino + 1, 'now'), undefined)
    assert.equal(await readFile(layout.index, 'utf8'), 'new')
  })

  it('is done by one of those that find it damaged at once', async () => {
    const layout = await open()
    await writeFile(layout.index, 'damaged')
    const { ino } = await stat(layout.index)
    const done = await Promise.all(Array.from({ length: 10 }, (_, i) => setAside(layout, ino, String(i))))
    assert.equal(done.filter((aside) => aside !== undefined).length, 1)
    assert.equal((await readdir(fixture.dir)).filter((name) => name.startsWith('index.')).length, 1)
  })

  it('is not held up for good by a process that was killed in the middle of it', async () => {
    const layout = await open()
    await writeFile(layout.indexLock, '')
    const longAgo = new Date(Date.now() - 60_000)
    await utimes(layout.indexLock, longAgo, longAgo)
    const store = await fixture.open()
    assert.equal(await store.listing.count(), 0)
    assert.equal(await inodeOf(layout.indexLock), undefined)
  })
})
