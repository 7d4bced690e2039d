/**
 * The lease: the exclusive right to download a key. It is one mkdir of the directory of the next generation. The state of the
 * generation before it decides:
 *
 *   1. It ended: the next generation is free. After `interrupted` its body is continued; after a recent failure, that failure
 *      is the answer.
 *   2. Its owner is provably dead: the next generation takes over its body, because the owner cannot append any more.
 *   3. Its owner is alive, but gave no heartbeat for 30 s: the next generation starts a file of its own. The silent generation
 *      is marked as dropped: if its owner wakes up, it serves its own readers, and never replaces the newer content.
 *   4. Otherwise the owner holds the lease, and this process follows it.
 *
 * Two leases at a time are possible only if the directory of the key is emptied between the listing and the mkdir of another
 * process; the check after the mkdir detects that. If it fails, both download and only the higher generation is stored.
 */

import { randomUUID } from 'node:crypto'
import { basename, join } from 'node:path'
import { type Generation, generationsOf, keysIn, makeGeneration, removeIfEmpty, type Owner } from './directory.js'
import type { Ending } from './ending.js'
import { strictest } from './access.js'
import { asKissError } from '../errors.js'
import { parseOrUndefined } from '../store/files.js'
import { keyOf } from '../store/select.js'
import { livenessOf, thisProcess, type ProcessIdentity } from '../store/process.js'
import type { Access, KeyId } from '../store/types.js'

/** Milliseconds between two heartbeats. */
const HEARTBEAT = 5_000
/** Milliseconds without a heartbeat after which a living owner is replaced: six beats. */
const SILENCE = 30_000
/** Milliseconds that a failure is remembered (rule 8 of the cache). */
export const FAILURE_MEMORY = 10_000
/** Milliseconds after which an unfinished download without a request is removed: a day. */
const FORGOTTEN = 86_400_000
/** Milliseconds after which a directory without an owner counts as left by a process that was killed between two system calls. */
const UNCLAIMED = 2_000
/** Milliseconds by which the clock of the file system may differ from the system clock: its resolution is coarser. */
const COARSE = 1_000

export interface LeaseRequest {
  readonly id: KeyId
  /** Displayable. */
  readonly url: string
  /** The access that the credential of the download gives. */
  readonly access: Access
  /** A hash of that credential; absent where there is none. */
  readonly holder?: string | undefined
  /** The generation that this flight followed or downloaded last: its body may be continued under any access. */
  readonly last?: number | undefined
  /** Take the lease although the last attempt failed a moment ago. */
  readonly ignoreFailure?: boolean | undefined
  readonly signal: AbortSignal
}

export type Acquisition =
  /**
   * `succeeds`: the head and the sum of a predecessor are in the directory, as far as there were any. `inherited`: its body
   * (perhaps empty) too. `access`: the stricter of the request's and the predecessor's. `removed`: generations whose owner is
   * dead or has ended them.
   */
  | {
      readonly kind: 'mine'
      readonly generation: Generation
      readonly removed: readonly Generation[]
      readonly succeeds: boolean
      readonly inherited: boolean
      readonly access: Access
    }
  | { readonly kind: 'theirs'; readonly generation: Generation; readonly owner: Owner }
  | { readonly kind: 'failed'; readonly ending: Ending }

/** The state of the last generation, for a new request. */
type Standing =
  | { readonly kind: 'free'; readonly predecessor?: Predecessor }
  | { readonly kind: 'held'; readonly generation: Generation; readonly owner: Owner }
  | { readonly kind: 'failed'; readonly ending: Ending }
  | { readonly kind: 'unclear' }

/** The generation whose body is continued. */
interface Predecessor {
  readonly generation: Generation
  readonly access: Access
}

/** Milliseconds. Tests shorten them. */
export interface LeaseTimes {
  readonly heartbeat?: number | undefined
  readonly silence?: number | undefined
}

export interface LeasesOptions extends LeaseTimes {
  /** The `transfers` directory. */
  readonly directory: string
  /** Milliseconds since the epoch; the same clock as the file system's. */
  readonly now: () => number
  /** Milliseconds of the monotonic clock that all processes of this boot share; heartbeats are written in it. */
  readonly monotonic: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

export class Leases {
  readonly #directory: string
  readonly #now: () => number
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly #engine = randomUUID()
  /** Milliseconds between two heartbeats of an owner. */
  readonly heartbeat: number
  /** Milliseconds without a heartbeat after which an owner is replaced. */
  readonly silence: number
  /** Milliseconds of the clock that heartbeats are written in. */
  readonly monotonic: () => number

  constructor(options: LeasesOptions) {
    this.heartbeat = options.heartbeat ?? HEARTBEAT
    this.silence = options.silence ?? SILENCE
    this.#directory = options.directory
    this.#now = options.now
    this.monotonic = options.monotonic
    this.#sleep = options.sleep
  }

  directoryOf(id: KeyId): string {
    return join(this.#directory, id)
  }

  async acquire(request: LeaseRequest): Promise<Acquisition> {
    const directory = this.directoryOf(request.id)
    for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
      const last = (await generationsOf(directory)).at(-1)
      const standing: Standing = last ? await this.#standing(last, request) : { kind: 'free' }
      if (standing.kind === 'held') return { kind: 'theirs', generation: standing.generation, owner: standing.owner }
      if (standing.kind === 'failed') return standing
      if (standing.kind === 'free') {
        const mine = await this.#take(request, (last?.number ?? 0) + 1, standing.predecessor)
        if (mine) return mine
      }
      await this.#sleep(pause + Math.random() * pause, request.signal)
    }
  }

  async #standing(last: Generation, request: LeaseRequest): Promise<Standing> {
    if (await last.dropped()) return { kind: 'free' }
    const held = await last.owner(this.monotonic())
    const ending = await last.ending()
    if (ending?.kind === 'failed') {
      const recent = ending.remembered && this.#isWithin(FAILURE_MEMORY, ending.at)
      // A refusal applies only to the credential that was used.
      const isSame = held?.owner.access === undefined || held.owner.access === request.access
      return recent && !request.ignoreFailure && request.access !== 'client' && isSame
        ? { kind: 'failed', ending }
        : { kind: 'free' }
    }
    if (ending && ending.kind !== 'interrupted') return { kind: 'free' }
    if (!held) return this.#isWithin(UNCLAIMED, await last.changedAt()) ? { kind: 'unclear' } : { kind: 'free' }
    const { owner, silentFor } = held
    const here = await thisProcess()
    // Bytes that another boot wrote may not have reached the disk: they are not continued.
    if (owner.boot !== here.boot) return { kind: 'free' }
    const access = owner.access ?? (owner.private ? 'client' : 'provider')
    const isSame = access === 'provider' && request.access === 'provider'
    const continuable = access === 'public' || isSame || request.last === last.number
    const free: Standing = continuable ? { kind: 'free', predecessor: { generation: last, access } } : { kind: 'free' }
    if (ending) return free
    if ((await livenessOf(owner)) === 'dead') return free
    return isSilent(silentFor, this.silence) ? { kind: 'free' } : { kind: 'held', generation: last, owner }
  }

  async #take(request: LeaseRequest, number: number, predecessor?: Predecessor): Promise<Acquisition | undefined> {
    const directory = this.directoryOf(request.id)
    const generation = await makeGeneration(directory, number)
    if (!generation) return undefined
    const access = strictest(request.access, predecessor?.access ?? 'public')
    const owner = { ...(await thisProcess()), engine: this.#engine, startedAt: this.#now(), url: request.url }
    try {
      const holder = predecessor === undefined ? request.holder : undefined
      if (!(await generation.claim({ ...owner, private: access === 'client', access, holder }, this.monotonic())))
        return undefined
    } catch (error) {
      // The disk is full: no process may wait for an owner that was not written.
      await generation.abandon()
      throw error
    }
    const others = (await generationsOf(directory)).filter((other) => other.number !== number)
    for (const other of others) {
      // The check includes the generation before: another process may have made it since, under the number of a removed one.
      const { kind } = await this.#standing(other, request)
      if (kind !== 'held' && kind !== 'unclear') continue
      await generation.remove()
      return undefined
    }
    const inherited = predecessor !== undefined && (await generation.inherit(predecessor.generation))
    // Dead and ended generations are removed; the directory of a silent owner stays until its download or its process ends.
    const removed: Generation[] = []
    for (const other of others.filter((each) => each.number < number)) {
      const isOver = other.number === predecessor?.generation.number || (await this.#isOver(other))
      await (isOver ? other.remove() : other.drop())
      if (isOver) removed.push(other)
    }
    return { kind: 'mine', generation, removed, succeeds: predecessor !== undefined, inherited, access }
  }

  /** No process appends to it, and its readers hold it open. */
  async #isOver(generation: Generation): Promise<boolean> {
    const held = await generation.owner(this.monotonic())
    if (await generation.ending()) return true
    return !held || (await livenessOf(held.owner)) === 'dead'
  }

  /** Is it the latest generation? Only then may its body become a blob. */
  async isLatest(id: KeyId, generation: Generation): Promise<boolean> {
    const [all, isSame] = await Promise.all([generationsOf(this.directoryOf(id)), generation.isSame()])
    return isSame && all.at(-1)?.number === generation.number
  }

  /** Removes an ended generation, and the directory of the key with the last of them. */
  async discard(id: KeyId, generation: Generation): Promise<void> {
    await generation.remove()
    await removeIfEmpty(this.directoryOf(id))
  }

  /** As {@link discard}, for a failure that is remembered no longer: its number may belong to another generation now. */
  async forget(id: KeyId, generation: Generation): Promise<void> {
    if ((await generation.ending())?.kind === 'failed') await this.discard(id, generation)
  }

  /** Marks the downloads of this key, of every content: they serve their readers and store nothing. */
  async purge(key: KeyId): Promise<void> {
    await this.#purge((await keysIn(this.#directory)).filter((id) => keyOf(id) === key))
  }

  async purgeAll(): Promise<void> {
    await this.#purge(await keysIn(this.#directory))
  }

  async #purge(ids: readonly KeyId[]): Promise<void> {
    try {
      const generations = (await Promise.all(ids.map((id) => generationsOf(this.directoryOf(id))))).flat()
      await Promise.all(generations.map((generation) => generation.drop()))
    } catch (error) {
      throw asKissError(error, 'disk', 'cannot purge the downloads under way')
    }
  }

  /**
   * False for a reservation of a dead process: its unfinished file is removed first, so that the bytes are free on the disk.
   * @param id the id of the key, followed by the number of the generation if a download reserved it
   */
  async isLive({ id, owner }: { readonly id: string; readonly owner: string }): Promise<boolean> {
    const process = parseOrUndefined(owner) as ProcessIdentity | undefined
    if (process && (await livenessOf(process)) !== 'dead') return true
    const [key = '', number] = id.split('.')
    const held = (await generationsOf(this.directoryOf(key))).find((generation) => String(generation.number) === number)
    if (held && (await this.#isOver(held))) await this.discard(key, held)
    return false
  }

  /**
   * Removes the generations that cannot be continued: ended ones, those of another boot, and those without a change for a
   * day. Resolves with the paths, relative to the cache directory.
   */
  async sweepAll(): Promise<string[]> {
    const swept: string[] = []
    for (const id of await keysIn(this.#directory)) {
      for (const generation of await generationsOf(this.directoryOf(id))) {
        if (!(await this.#isForgotten(generation))) continue
        await this.discard(id, generation)
        swept.push(join(basename(this.#directory), id, String(generation.number)))
      }
    }
    return swept
  }

  async #isForgotten(generation: Generation): Promise<boolean> {
    const [ending, held, changedAt] = await Promise.all([
      generation.ending(),
      generation.owner(this.monotonic()),
      generation.changedAt(),
    ])
    if (ending && ending.kind !== 'interrupted') return !this.#isWithin(FAILURE_MEMORY, changedAt)
    if (!held) return !this.#isWithin(FORGOTTEN, changedAt)
    if ((await livenessOf(held.owner)) !== 'dead' && !ending) return false
    return held.owner.boot !== (await thisProcess()).boot || !this.#isWithin(FORGOTTEN, changedAt)
  }

  /** Was it less than `span` milliseconds ago? No for a time in the future: the wall clock was set back since. */
  #isWithin(span: number, at: number | undefined): boolean {
    const age = this.#now() - (at ?? -Infinity)
    return age > -COARSE && age < span
  }
}

/** Has an owner missed its heartbeats? A heartbeat in the future was written under another clock, and proves nothing. */
export function isSilent(silentFor: number, silence: number): boolean {
  return silentFor > silence || silentFor < -COARSE
}
