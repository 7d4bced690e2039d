import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from '#kiss/cluster/redis.js'
import { SharedLeases, type SharedLease } from '#kiss/cluster/leases.js'
import { ClockDifference } from '#kiss/cluster/time.js'
import { Leases, type Acquisition } from '#kiss/flight/lease.js'
import { entryOf, sha256 } from '../store/support.js'
import { has, RedisServer } from '../support/cluster.js'
import { leaseContract, type Member } from './lease.js'

const time = new ClockDifference()

/** Milliseconds. */
const SHORT = 300
const free = { slot: 'lease', isPrivate: false } as const

leaseContract('processes on one directory', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kiss-leases-'))
  const signal = new AbortController().signal
  let now = Date.now()
  const makeMember = async (): Promise<Member> => {
    const leases = new Leases({
      directory,
      now: () => now,
      monotonic: () => now,
      sleep: (ms, stop) => delay(ms, undefined, { signal: stop }),
    })
    const held = new Map<string, Extract<Acquisition, { kind: 'mine' }>>()
    return {
      async acquire(id) {
        const got = await leases.acquire({ id: sha256(id), url: '', access: 'public', signal })
        if (got.kind === 'mine') held.set(id, got)
        if (got.kind === 'failed') throw new Error('a failure')
        return { mine: got.kind === 'mine', generation: got.generation.number }
      },
      release: (id) => leases.discard(sha256(id), held.get(id)!.generation),
      isLatest: (id) => leases.isLatest(sha256(id), held.get(id)!.generation),
      // Its process goes on to live here: what is seen of a dead one is that it is silent.
      async die() {
        now += 31_000
      },
    }
  }
  return { join: makeMember, close: () => rm(directory, { recursive: true, force: true }) }
})

if (has('redis-server'))
  leaseContract('nodes of a cluster', async () => {
    const server = await RedisServer.start()
    const closing: (() => void)[] = []
    let count = 0
    const makeMember = async (): Promise<Member> => {
      const redis = await Redis.open({ url: server.url, warn: () => undefined })
      const instance = `node-${++count}`
      const leases = new SharedLeases({
        redis,
        prefix: 'kiss:1:test:',
        instance,
        url: 'http://n/',
        time,
        lifetime: SHORT,
      })
      closing.push(() => {
        leases.close()
        redis.close()
      })
      const held = new Map<string, SharedLease>()
      return {
        async acquire(id) {
          const got = await leases.acquire(id, { ...free, known: (await leases.look(id)).generation })
          if (got) held.set(id, got)
          const generation = got?.generation ?? (await leases.look(id)).holders[0]?.generation
          if (generation === undefined) throw new Error('neither a lease nor a holder')
          return { mine: got !== undefined, generation }
        },
        release: (id) => leases.release(held.get(id)!),
        // Whose body the shared index takes.
        async isLatest(id) {
          const { generation } = held.get(id)!
          const [holder] = (await leases.look(id)).holders
          return holder === undefined || holder.generation === generation
        },
        async die() {
          leases.close()
          await delay(2 * SHORT)
        },
      }
    }
    return {
      join: makeMember,
      close: async () => {
        for (const close of closing) close()
        await server.close()
      },
    }
  })

const describeWithRedis = has('redis-server') ? describe : describe.skip

describeWithRedis('the shared index', () => {
  let server: RedisServer
  let redis: Redis
  let leases: SharedLeases
  before(async () => {
    server = await RedisServer.start()
    redis = await Redis.open({ url: server.url, warn: () => undefined })
    leases = new SharedLeases({ redis, prefix: 'kiss:1:index:', instance: 'one', url: 'http://n/', time })
  })
  after(async () => {
    leases.close()
    redis.close()
    await server.close()
  })

  it('refuses the entry of an older generation', async () => {
    const { id } = entryOf('fenced', 'x')
    const older = await leases.acquire(id, { ...free, known: '' })
    const newer = await leases.acquire(id, { ...free, known: '' })
    if (!older || !newer) throw new Error('a node takes its own lease over')
    const stored = [
      await leases.publish(newer, entryOf('fenced', 'newer'), false),
      await leases.publish(older, entryOf('fenced', 'older'), false),
      (await leases.look(id)).entry?.sha256 === entryOf('fenced', 'newer').sha256,
    ]
    if (stored.join() !== 'true,false,true') throw new Error(stored.join())
  })
})
