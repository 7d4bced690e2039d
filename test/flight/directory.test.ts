import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Generation, makeGeneration, type Owner } from '#kiss/flight/directory.js'
import { inFlight } from '#kiss/flight/list.js'
import { Leases } from '#kiss/flight/lease.js'
import { monotonic } from '#kiss/clock.js'
import { thisProcess } from '#kiss/store/process.js'

const KEY = 'a'.repeat(64)

describe('a generation of a transfer', () => {
  let root: string
  let leases: Leases
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'kiss-generations-'))
    leases = new Leases({ directory: root, now: Date.now, monotonic, sleep: async () => undefined })
  })
  afterEach(() => rm(root, { recursive: true }))

  async function claimed(engine: string): Promise<Generation> {
    const generation = await makeGeneration(leases.directoryOf(KEY), 1)
    const owner: Owner = {
      ...(await thisProcess()),
      engine,
      startedAt: 1,
      url: 'https://origin.example/a',
      private: false,
    }
    assert.equal(await generation?.claim(owner, monotonic()), true)
    return generation!
  }

  it('is neither removed nor stored by a former owner when another has its number by now', async () => {
    const former = await claimed('former')
    assert.equal(await leases.isLatest(KEY, former), true)
    await rm(leases.directoryOf(KEY), { recursive: true })
    const present = await claimed('present')
    assert.equal(await leases.isLatest(KEY, former), false)
    assert.equal(await leases.isLatest(KEY, present), true)
    await leases.discard(KEY, former)
    assert.deepEqual(await readdir(leases.directoryOf(KEY)), ['1'])
    await leases.discard(KEY, present)
    assert.deepEqual(await readdir(root), [])
  })

  it('is seen by every process while it is in flight, with what it knows and has', async () => {
    const generation = await claimed('any')
    const seen = async (): Promise<unknown[]> =>
      (await inFlight(root)).map(({ id, owner, answered, received, length }) => [
        id,
        owner.url,
        answered,
        received,
        length,
      ])
    assert.deepEqual(await seen(), [[KEY, 'https://origin.example/a', false, 0, undefined]])
    await generation.setHead({ headers: {}, length: 8, ranges: true, varies: false })
    await writeFile(generation.bodyPath, 'half')
    assert.deepEqual(await seen(), [[KEY, 'https://origin.example/a', true, 4, 8]])
    await generation.end({ kind: 'interrupted' })
    assert.deepEqual(await seen(), [])
  })

  it('is not in flight when its owner is dead', async () => {
    const generation = await makeGeneration(leases.directoryOf(KEY), 1)
    const here = await thisProcess()
    const dead = { ...here, started: here.started + 1, engine: '', startedAt: 1, url: '', private: false }
    await generation!.claim(dead, monotonic())
    assert.deepEqual(await inFlight(root), [])
    assert.deepEqual(await inFlight(join(root, 'none')), [])
  })
})
