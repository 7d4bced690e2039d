import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { smallBody } from '#kiss/store/small-bodies.js'
import { until } from '../support/until.js'
import { Fixture, plant, put } from './support.js'

describe('open blobs', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  const body = 'x'.repeat(smallBody + 1)
  /** Descriptors of this process on files of blobs. */
  const descriptors = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(`${fixture.dir}/blobs`)
      } catch {
        return false
      }
    }).length

  it('are one source for all their readers, and stay open for the next', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', body)
    const [first, second] = await Promise.all([store.open(entry), store.open(entry)])
    assert.equal(first?.shared.source, second?.shared.source)
    await first?.close()
    await first?.close()
    assert.equal(await second?.read(Buffer.alloc(10), 0), 10)
    await second?.close()
    const third = await store.open(entry)
    assert.deepEqual([third?.shared.source, descriptors()], [first?.shared.source, 1])
    await third?.close()
  })

  it('are opened anew when another program has written to the file', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', body)
    const first = await store.open(entry)
    await plant(store, entry.sha256, body)
    await nextTurn()
    const second = await store.open(entry)
    assert.notEqual(second?.shared.source, first?.shared.source)
    assert.equal(await first?.read(Buffer.alloc(10), 0), 10)
    await Promise.all([first?.close(), second?.close()])
    await rm(store.blobs.path(entry.sha256))
    await nextTurn()
    assert.equal(await store.open(entry), undefined)
  })

  it('are closed when their entry is removed, as soon as their last reader has left', async () => {
    const store = await fixture.open()
    const [idle, read] = [await put(store, 'a', body), await put(store, 'b', `${body}y`)]
    await (await store.open(idle))?.close()
    const reader = await store.open(read)
    assert.equal(descriptors(), 2)
    await store.remove(idle.id)
    await store.remove(read.id)
    await until('the idle one is closed', () => descriptors() === 1)
    assert.equal(await reader?.read(Buffer.alloc(10), 0), 10)
    await reader?.close()
    assert.equal(descriptors(), 0)
  })

  it('are closed when a reader leaves between the news of a removal and the removal of the file', async () => {
    const store = await fixture.open()
    const entry = await put(store, 'a', body)
    const reader = await store.open(entry)
    const removed = store.remove(entry.id)
    await nextTurn()
    await reader?.close()
    await removed
    await until('the descriptor is closed', () => descriptors() === 0)
  })
})
