import assert from 'node:assert/strict'
import { Fixture, listed, put } from './support.js'

const MIB = 1024 * 1024

describe('the space of a cache directory', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  it('gives the promise of a silent download to another one after a while', async () => {
    const store = await fixture.open()
    await store.space.setQuota(MIB)
    await store.space.reserve('silent', 1_000_000, { ahead: 0 })
    fixture.now += 2_900
    let waits = true
    const other = store.space.reserve('other', 600_000).finally(() => (waits = false))
    await store.space.usage()
    assert.equal(waits, true)
    fixture.now += 200
    await other
    await assert.rejects(store.space.reserve('silent', 1_000_000, { ahead: 16_384 }), { code: 'quota' })
  })

  it('keeps the promise of a download whose bytes arrive', async () => {
    const store = await fixture.open()
    await store.space.setQuota(MIB)
    await store.space.reserve('busy', 1_000_000, { ahead: 0 })
    fixture.now += 2_900
    await store.space.reserve('busy', 1_000_000, { ahead: 600_000 })
    fixture.now += 2_900
    await assert.rejects(store.space.reserve('other', 600_000), { code: 'quota' })
    await store.space.reserve('busy', 1_000_000)
  })

  it('makes those of many reservations at once that fit, and refuses the others', async () => {
    const store = await fixture.open()
    await store.space.setQuota(MIB)
    await store.space.reserve('known', 100_000)
    const asked = ['known', 'a', 'b', 'c', 'd'].map((id) => store.space.reserve(id, 300_000))
    const made = (await Promise.allSettled(asked)).filter(({ status }) => status === 'fulfilled')
    assert.equal(made.length, 3)
    assert.ok((await store.space.counted()) <= MIB)
  })

  it('counts many bodies at once within the quota, also two of the same content', async () => {
    const store = await fixture.open()
    await store.space.setQuota(MIB)
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    await Promise.allSettled(
      names.map((name) => put(store, name, (name === 'b' ? 'a' : name).padEnd(300_000), { lastUsedAt: 5 })),
    )
    assert.ok((await store.space.counted()) <= MIB)
    assert.equal((await store.space.usage()).reserved, 0)
  })

  it('evicts once for many small reservations at once', async () => {
    const store = await fixture.open()
    await store.space.setQuota(MIB)
    for (const name of ['a', 'b', 'c', 'd', 'e']) await put(store, name, name.padEnd(200_000))
    await Promise.all(Array.from({ length: 20 }, (_, index) => store.space.reserve(`small-${index}`, 4_000)))
    assert.equal((await listed(store)).length, 4)
  })

  it('evicts once on a full disk for many small writes at once', async () => {
    const store = await fixture.open()
    for (const name of ['a', 'b', 'c']) await put(store, name, name.padEnd(2_000_000))
    const made = await Promise.all(Array.from({ length: 20 }, () => store.space.relieve(100_000)))
    assert.deepEqual(new Set(made), new Set([true]))
    assert.equal((await listed(store)).length, 2)
    assert.deepEqual(await Promise.all([store.space.relieve(1), store.space.relieve(1_999_999)]), [true, true])
    assert.equal((await listed(store)).length, 1)
  })

  it('takes a promise from the future for one that has lapsed', async () => {
    const store = await fixture.open()
    await store.space.setQuota(MIB)
    await store.space.reserve('silent', 1_000_000, { ahead: 0 })
    fixture.now -= 3_600_000
    await store.space.reserve('other', 900_000)
  })

  it('refuses a body larger than the disk before it evicts anything', async () => {
    const store = await fixture.open()
    const kept = await put(store, 'kept', 'body')
    await assert.rejects(store.space.reserve('huge', 2 ** 50, { ahead: 0 }), {
      code: 'disk',
      message: /the disk of .* has room for/,
    })
    assert.deepEqual(await listed(store), [kept])
  })

  it('evicts in its turn what was used before the clock was set back', async () => {
    const store = await fixture.open()
    await store.space.setQuota(400_000)
    const { id } = await put(store, 'early', 'early'.padEnd(100_000), { lastUsedAt: fixture.now + 31_536_000_000 })
    for (let i = 0; i < 6; i++) {
      fixture.now += 1_000
      await put(store, `entry ${i}`, `${i}`.padEnd(100_000), { lastUsedAt: fixture.now })
    }
    assert.ok(!(await listed(store)).some((entry) => entry.id === id))
  })

  it('bounds one process by its limit without evicting more than its body takes, and leaves the quota alone', async () => {
    const store = await fixture.open()
    await store.space.setQuota(100 * MIB)
    for (let i = 0; i < 10; i++) await put(store, `entry ${i}`, `${i}`.padEnd(100_000), { lastUsedAt: i })
    const limited = await fixture.open({ limit: 500_000 })
    await assert.rejects(limited.space.reserve('large', 500_000), { code: 'quota' })
    assert.equal((await listed(store)).length, 10)
    await put(limited, 'new', 'x'.repeat(150_000), { lastUsedAt: 99 })
    assert.equal((await listed(store)).length, 9)
    assert.equal(await store.space.quota(), 100 * MIB)
  })

  it('counts the same after the ledger was compared with the disk', async () => {
    const before = await fixture.open({ boot: 'first' })
    for (const name of ['a', 'b']) await put(before, name, 'the same')
    await put(before, 'c', 'another body')
    const counted = await before.space.counted()
    await fixture.close(before)
    const store = await fixture.open({ boot: 'second' })
    assert.equal(await store.space.counted(), counted)
    await store.purge({ all: true })
    assert.equal(await store.space.counted(), 0)
  })

  it('forgets after a boot what the processes before it had reserved', async () => {
    const before = await fixture.open({ boot: 'first', owner: JSON.stringify({ boot: 'first' }) })
    await before.space.reserve('interrupted', MIB)
    await fixture.close(before)
    const store = await fixture.open({ boot: 'second', owner: JSON.stringify({ boot: 'second' }) })
    assert.deepEqual(await store.space.usage(), { blobs: 0, reserved: 0 })
  })
})
