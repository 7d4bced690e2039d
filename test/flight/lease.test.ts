import assert from 'node:assert/strict'
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { follow } from '#kiss/flight/follow.js'
import { Generation, type Owner } from '#kiss/flight/directory.js'
import { Leases, type Acquisition, type LeaseRequest } from '#kiss/flight/lease.js'
import { FlightState } from '#kiss/flight/state.js'
import { thisProcess } from '#kiss/store/process.js'

type Mine = Extract<Acquisition, { kind: 'mine' }>

describe('leases', () => {
  const id = 'a'.repeat(64)
  let directory = ''
  let now = 0
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kiss-leases-'))
    now = Date.now()
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  const options = () => ({
    directory,
    now: () => now,
    monotonic: () => now,
    sleep: (ms: number, signal: AbortSignal) => delay(ms, undefined, { signal }),
  })
  const open = () => new Leases(options())
  const requested = (more: Partial<LeaseRequest> = {}): LeaseRequest => ({
    id,
    url: 'https://origin.example/a',
    access: 'public',
    signal: new AbortController().signal,
    ...more,
  })
  const take = async (leases: Leases, more: Partial<LeaseRequest> = {}): Promise<Mine> => {
    const got = await leases.acquire(requested(more))
    assert.ok(got.kind === 'mine')
    return got
  }
  const ownerOf = async (more: Partial<Owner> = {}): Promise<Owner> => ({
    ...(await thisProcess()),
    engine: 'other',
    startedAt: now,
    url: '',
    private: false,
    access: 'public',
    ...more,
  })
  /** A generation whose owner is dead. */
  const dead = async (number: number, more: Partial<Owner> = {}): Promise<Generation> => {
    const path = join(directory, id, String(number))
    await mkdir(path, { recursive: true })
    const generation = new Generation(path, number)
    // The highest pid of Linux is 2^22.
    await generation.claim(await ownerOf({ pid: 2 ** 22 + 1, ...more }), now)
    await writeFile(generation.bodyPath, 'half')
    return generation
  }

  it('one has it, the others follow', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => open().acquire(requested())))
    assert.equal(all.filter(({ kind }) => kind === 'mine').length, 1)
    assert.equal(all.filter(({ kind }) => kind === 'theirs').length, 19)
  })

  it('a dead one has one successor, which takes its body over', async () => {
    await dead(1)
    const all = await Promise.all(Array.from({ length: 20 }, () => open().acquire(requested())))
    const mine = all.filter((got): got is Mine => got.kind === 'mine')
    assert.deepEqual(
      mine.map(({ inherited, generation }) => [inherited, generation.number]),
      [[true, 2]],
    )
    assert.deepEqual(await readdir(join(directory, id)), ['2'])
  })

  it('a silent one keeps its directory, and is told not to store what it has', async () => {
    const frozen = await take(open())
    now += 31_000
    const next = await take(open())
    assert.deepEqual([next.inherited, next.generation.number], [false, 2])
    assert.equal(await frozen.generation.dropped(), true)
    // Also when its successor has come and gone.
    const leases = open()
    await leases.discard(id, next.generation)
    assert.equal(await leases.isLatest(id, frozen.generation), true)
    assert.equal(await frozen.generation.dropped(), true)
  })

  it('bytes that came with a credential stay private in the hands of the successor', async () => {
    const leases = open()
    await dead(1, { private: true, access: 'client' })
    const stranger = await take(leases)
    assert.deepEqual([stranger.inherited, stranger.access], [false, 'public'])
    await rm(join(directory, id), { recursive: true })
    await dead(1, { private: true, access: 'client' })
    const follower = await take(leases, { last: 1 })
    assert.deepEqual([follower.inherited, follower.access], [true, 'client'])
    assert.equal((await follower.generation.owner(now))?.owner.private, true)
  })

  it('takes nothing from one that was made under a used number since it looked', async () => {
    await dead(1)
    const live = JSON.stringify(await ownerOf())
    const path = join(directory, id, '1')
    let looks = 0
    /** Between the look at the dead one and the mkdir: another took over, stored and went, and a new download began. */
    class Paused extends Leases {
      override directoryOf(key: string): string {
        if (++looks === 2) {
          rmSync(path, { recursive: true })
          mkdirSync(path)
          for (const [name, text] of [
            ['ended', ''],
            ['owner', live],
            ['body', 'theirs'],
          ] as const)
            writeFileSync(join(path, name), text)
          utimesSync(join(path, 'owner'), now / 1000, now / 1000)
        }
        return super.directoryOf(key)
      }
    }
    const got = await new Paused(options()).acquire(requested())
    assert.deepEqual([got.kind, 'generation' in got && got.generation.number], ['theirs', 1])
    assert.deepEqual((await readdir(path)).sort(), ['body', 'ended', 'owner'])
  })

  it('a refusal of one credential is not told to a claim with another', async () => {
    const leases = open()
    const { generation } = await take(leases, { access: 'provider' })
    const failure = { code: 'origin-refused', message: 'no', status: 403 } as const
    await generation.end({ kind: 'failed', failure, at: now, remembered: true })
    assert.equal((await leases.acquire(requested({ access: 'provider' }))).kind, 'failed')
    assert.equal((await leases.acquire(requested())).kind, 'mine')
  })

  for (const access of ['provider', undefined] as const) {
    it(`a body of a dead owner whose credential was ${access ?? 'not noted'} is continued with the provider's own alone`, async () => {
      await dead(1, { access })
      assert.equal((await take(open())).inherited, false)
      await rm(join(directory, id), { recursive: true })
      await dead(1, { access })
      const next = await take(open(), { access: 'provider' })
      assert.deepEqual([next.inherited, next.access], [true, 'provider'])
    })
  }

  it('a failure is told for ten seconds, but not to a request that insists, nor with a credential, nor after a purge', async () => {
    const leases = open()
    const { generation } = await take(leases)
    const failure = { code: 'origin-refused', message: 'no', status: 404 } as const
    await generation.end({ kind: 'failed', failure, at: now, remembered: true })
    const told = await leases.acquire(requested())
    assert.deepEqual(told, { kind: 'failed', ending: { kind: 'failed', failure, at: now, remembered: true } })
    for (const more of [{ access: 'client' }, { ignoreFailure: true }] as const) {
      const got = await take(open(), more)
      await got.generation.end({ kind: 'failed', failure, at: now, remembered: true })
    }
    assert.equal((await leases.acquire(requested())).kind, 'failed')
    await leases.purge(id)
    assert.equal((await leases.acquire(requested())).kind, 'mine')
  })

  it('a failure that is forgotten takes nothing with it that came under its number', async () => {
    const leases = open()
    const { generation } = await take(leases)
    await leases.discard(id, generation)
    const live = await take(leases)
    assert.equal(live.generation.number, generation.number)
    await leases.forget(id, generation)
    assert.deepEqual(await readdir(join(directory, id)), ['1'])
  })

  describe('a follower', () => {
    /** Goes when it is first looked into, and another comes in its place, whose owner lives. */
    class Replaced extends Generation {
      #there = true
      constructor(
        { directory, number }: Generation,
        readonly leave: () => void,
        readonly live: string,
      ) {
        super(directory, number)
      }

      override async head(): ReturnType<Generation['head']> {
        if (this.#there) {
          this.#there = false
          this.leave()
          rmSync(this.directory, { recursive: true })
          mkdirSync(this.directory)
          const files = { ended: '', owner: this.live, body: 'theirs', 'head.json': '{"headers":{}}' }
          for (const [name, text] of Object.entries(files)) writeFileSync(join(this.directory, name), text)
        }
        return super.head()
      }
    }

    const endings = [
      ['and has ended', 'whole', '{"kind":"whole","sha256":"x","size":4}'],
      ['without an end', 'lost', ''],
    ] as const
    for (const [how, expected, text] of endings) {
      it(`does not take a later one of its number for the one that it follows, which is gone ${how}`, async () => {
        const { generation } = await take(open())
        const leave = (): void => writeFileSync(join(generation.directory, 'ended'), text)
        const state = new FlightState('', 'public')
        const ending = await follow({
          generation: new Replaced(generation, leave, JSON.stringify(await ownerOf())),
          state,
          leases: { monotonic: () => now, silence: 30_000 },
          signal: new AbortController().signal,
        })
        assert.equal(ending === 'lost' ? ending : ending.kind, expected)
        assert.deepEqual([state.body.available, state.head], [0, undefined])
        await state.body.close()
      })
    }
  })
})
