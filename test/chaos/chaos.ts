/**
 * The chaos run: an origin that fails at random, readers that check every byte, servers that are killed, processes that are
 * stopped and go on later, entries that are purged, contents that change, and a quota that holds a part of it all.
 *
 * All choices come from one seed; what they meet depends on the machine's timing.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../server/support/random.js'
import { sha256 } from '../support/bytes.js'
import { descriptorsOf } from '../support/processes.js'
import { ChaosArtifact } from './artifacts.js'
import { ChaosOrigin } from './origin.js'
import { plainly, read, type Verdict } from './reader.js'
import type { ChaosReport } from './report.js'
import { Servers, verify } from './servers.js'
import { Tally } from './tally.js'
import { witnessedIn } from './witnessed.js'

export interface ChaosOptions {
  readonly seed: number
  readonly requests: number
  /** An empty directory. */
  readonly root: string
  readonly artifacts?: number
  readonly readers?: number
  readonly servers?: number
  readonly workers?: number
  /** The servers ask one parent, and some artifacts are large enough for ranges in parallel. */
  readonly parent?: boolean
  readonly say?: (line: string) => void
}

/** Milliseconds. */
const BETWEEN_KILLS = 1_200
const BETWEEN_PURGES = 400
const BETWEEN_CHANGES = 600
const BETWEEN_FREEZES = 1_000
const BETWEEN_STEPS = 5_000
/** Milliseconds, at most, by which the clock is wrong. */
const LONGEST_STEP = 3_600_000
/** Milliseconds, at most. */
const SHORT_FREEZE = 3_000
/** Milliseconds: longer than the silence after which an owner is not waited for. */
const LONG_FREEZE = 33_000
/** Milliseconds, at most, between two requests of one reader. */
const THINKING = 600
/** Milliseconds until a client whose connection was refused asks again, as curl --retry does. */
const REFUSED = 1_000
/** Artifacts that come by ranges in parallel, and their bytes. */
const LARGE = 2
const LARGE_SIZE = 40 * 1024 * 1024
/** One request of so many is a `kiss fetch` of its own. */
const COMMANDS = 300

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, root, say = () => undefined } = options
  const startedAt = Date.now()
  const random = new Random(seed)
  const parent = options.parent === true
  const small = options.artifacts ?? 30
  const artifacts = Array.from({ length: small + (parent ? LARGE : 0) }, (_, i) =>
    i < small ? new ChaosArtifact(i, random) : new ChaosArtifact(i, random, LARGE_SIZE),
  )
  const origin = new ChaosOrigin(artifacts, new Random(seed + 1))
  await origin.start()
  const total = artifacts.reduce((sum, { current }) => sum + current.body.length, 0)
  const quota = Math.floor(total * 0.75)
  mkdirSync(root, { recursive: true })
  writeFileSync(path.join(root, 'token'), 'chaos-of-the-admin\n')
  writeFileSync(path.join(root, 'witness'), '')
  writeFileSync(path.join(root, 'clock'), '0')
  const flags = [
    ...['--quota', String(quota), '--stale-if-error', '5s', '--stall-timeout', '1s', '--retry-for', '30s'],
    ...['--max-downloads-per-host', '96', '--max-downloads', '192', '--log-level', 'warn'],
    ...['--allow-upstream', '127.0.0.1', '--admin-token-file', path.join(root, 'token')],
  ]
  const above = parent
    ? await Servers.start({ root, cacheDir: path.join(root, 'above'), count: 1, workers: 2, flags })
    : undefined
  const servers = await Servers.start({
    root,
    cacheDir: path.join(root, 'cache'),
    count: options.servers ?? 2,
    workers: options.workers ?? 3,
    flags: [...flags, ...(above?.urls ?? []).flatMap((url) => ['--parent', url])],
  })
  const run = new Run(options, { random, artifacts, origin, servers, above })
  try {
    say(
      `seed ${seed}: ${artifacts.length} artifacts of ${total} bytes in all, quota ${quota}, ${servers.urls.join(' ')}`,
    )
    await run.go(say)
    return await run.conclude(quota, startedAt)
  } finally {
    servers.abandon()
    above?.abandon()
    await origin.close()
  }
}

interface Parts {
  readonly random: Random
  readonly artifacts: readonly ChaosArtifact[]
  readonly origin: ChaosOrigin
  readonly servers: Servers
  /** The parent of the servers. */
  readonly above: Servers | undefined
}

class Run {
  readonly #o: ChaosOptions
  readonly #p: Parts
  readonly #tally = new Tally()
  readonly #kills = { workers: 0, servers: 0 }
  readonly #freezes = { short: 0, long: 0 }
  #commands = 0
  #begun = 0
  #purges = 0
  #over = false
  #steps = 0

  constructor(options: ChaosOptions, parts: Parts) {
    this.#o = options
    this.#p = parts
  }

  async go(say: (line: string) => void): Promise<void> {
    const { random, servers, artifacts, above } = this.#p
    // Each version is kept: the large ones change seldom.
    const changing = [...artifacts, ...artifacts, ...artifacts, ...artifacts].filter(
      ({ current }, i) => current.body.length < LARGE_SIZE / 4 || i < artifacts.length,
    )
    const tell = setInterval(() => say(`${this.#begun} requests ${JSON.stringify(this.#tally.outcomes)}`), 5_000)
    const troubles = [
      this.#every(BETWEEN_KILLS, () => this.#kill()),
      this.#every(BETWEEN_FREEZES, () => this.#freeze()),
      this.#every(BETWEEN_PURGES, () => this.#purge()),
      this.#every(BETWEEN_STEPS, () => this.#step()),
      this.#every(BETWEEN_CHANGES, () => random.pick(changing).change(random)),
    ]
    const readers = Array.from({ length: this.#o.readers ?? 50 }, (_, i) =>
      this.#readOn(new Random(this.#o.seed * 1000 + i)),
    )
    await Promise.all(readers)
    this.#over = true
    await Promise.all(troubles)
    clearInterval(tell)
    await servers.settled()
    await above?.settled()
  }

  /** When nothing fails any more, everything is right again at once. */
  async conclude(quota: number, startedAt: number): Promise<ChaosReport> {
    const { origin, servers, artifacts, above } = this.#p
    origin.rate = 0
    await this.#calm()
    const descriptors = Math.max(...servers.workers().map(descriptorsOf))
    const bytes = {
      delivered: this.#tally.delivered,
      origin: origin.bytes,
      ...witnessedIn(path.join(this.#o.root, 'witness')),
    }
    const exits = [...(await servers.end()), ...((await above?.end()) ?? [])]
    const verified = [...(above ? [await verify(above)] : []), await verify(servers), await verify(servers)]
    const stats = JSON.parse((await servers.run(['stats', '--json'])).stdout.toString()) as { disk_reserved: number }
    return {
      requests: this.#begun,
      outcomes: this.#tally.outcomes,
      wrong: this.#tally.wrong,
      hangs: this.#tally.hangs,
      faults: origin.counts,
      kills: this.#kills,
      freezes: this.#freezes,
      steps: this.#steps,
      commands: this.#commands,
      purges: this.#purges,
      changes: artifacts.reduce((sum, { versions }) => sum + versions.length - 1, 0),
      bytes,
      oldest: this.#tally.oldest,
      quota,
      descriptors,
      exits,
      verified,
      reserved: stats.disk_reserved,
      seconds: Math.round((Date.now() - startedAt) / 1000),
    }
  }

  async #every(pause: number, act: () => Promise<void> | void): Promise<void> {
    for (;;) {
      await sleep(pause * (0.5 + this.#p.random.next()))
      if (this.#over) return
      await act()
    }
  }

  async #readOn(random: Random): Promise<void> {
    const { artifacts, origin, servers } = this.#p
    while (this.#begun < this.#o.requests) {
      const number = ++this.#begun
      // Some are asked for often, some hardly ever.
      const artifact = artifacts[Math.floor(artifacts.length * random.next() ** 2)]!
      const url = origin.url(artifact.path)
      const verdict =
        number % COMMANDS === 0
          ? await this.#command(url, artifact)
          : await read(random.pick(servers.urls), url, artifact, random)
      this.#tally.note(verdict)
      await sleep(verdict.kind === 'refused' ? REFUSED : random.next() * THINKING)
    }
  }

  async #command(url: string, artifact: ChaosArtifact): Promise<Verdict> {
    this.#commands++
    const { code, stdout } = await this.#p.servers.run(['fetch', url, '-o', '-'])
    if (code !== 0) return { kind: 'cut' }
    const sum = sha256(stdout)
    return artifact.versions.some((version) => version.sha256 === sum)
      ? { kind: 'right', bytes: stdout.length, age: 0 }
      : { kind: 'wrong', why: `kiss fetch ${artifact.path}: ${stdout.length} bytes that are no version's` }
  }

  /** The servers, or their parent. */
  #tier(): Servers {
    const { random, servers, above } = this.#p
    return above !== undefined && random.below(3) === 0 ? above : servers
  }

  #kill(): void {
    const { random } = this.#p
    const servers = this.#tier()
    if (random.below(12) === 0) {
      servers.killServer(random.below(servers.urls.length))
      this.#kills.servers++
    } else if (servers.killWorker((pids) => random.pick(pids))) {
      this.#kills.workers++
    }
  }

  #freeze(): void {
    const { random } = this.#p
    const servers = this.#tier()
    const kind = random.below(10) === 0 ? 'long' : 'short'
    const time = kind === 'long' ? LONG_FREEZE : random.below(SHORT_FREEZE)
    if (servers.freeze((pids) => random.pick(pids), time)) this.#freezes[kind]++
  }

  /** Sets the wall clock of all processes, ahead or back. */
  #step(): void {
    const { random } = this.#p
    // Short steps meet entries that are still fresh, long ones everything that is remembered.
    const longest = random.pick([5_000, 60_000, LONGEST_STEP])
    writeFileSync(path.join(this.#o.root, 'clock'), String(random.below(2 * longest) - longest))
    this.#steps++
  }

  async #purge(): Promise<void> {
    const { random, servers, artifacts, origin } = this.#p
    const url = `${random.pick(servers.urls)}api/v1/fetch?url=${encodeURIComponent(origin.url(random.pick(artifacts).path))}`
    await new Promise<void>((resolve) => {
      const sent = request(url, {
        method: 'DELETE',
        headers: { authorization: 'Bearer chaos-of-the-admin' },
        agent: false,
      })
      // A server that was just killed purges nothing.
      sent.on('error', () => resolve())
      sent.on('response', (response) => {
        if (response.statusCode === 200) this.#purges++
        response.resume().on('close', resolve)
      })
      sent.end()
    })
  }

  /** Every artifact from every server: right, and as new as the lifetime says. */
  async #calm(): Promise<void> {
    const { artifacts, servers, origin } = this.#p
    // The last step of the clock is ahead of all times that were seen. After a step back by about the age of an entry, the
    // entry looks as if it had just been stored, and no process can know better.
    writeFileSync(path.join(this.#o.root, 'clock'), String(2 * LONGEST_STEP))
    // What failed is remembered for ten seconds, and what is stale may be served for five.
    await sleep(11_000)
    for (const server of servers.urls) {
      for (const artifact of artifacts) {
        const verdict = await read(server, origin.url(artifact.path), artifact, plainly)
        if (verdict.kind !== 'right')
          this.#tally.wrong.push(`${artifact.path}, when all is calm: ${JSON.stringify(verdict)}`)
        else if (verdict.age > 0)
          this.#tally.wrong.push(`${artifact.path}, when all is calm: ${verdict.age} ms too old`)
      }
    }
  }
}
