/**
 * One download in flight, as this process sees it: led here, or followed from another process, and from one to the other
 * when an owner dies. Its readers never notice which.
 */

import { asKissError, KissError, systemCode } from '../errors.js'
import type { Generation, Head, Outcome, RecordedFailure } from '../store/generations.js'
import { follow } from '../store/follower.js'
import { GrowingBody } from '../store/growing.js'
import { SILENCE } from '../store/leases.js'
import type { Entry } from '../store/types.js'
import type { Seed } from './download.js'
import { lead } from './lead.js'
import type { Order } from './order.js'
import type { Services } from './services.js'
import { changedError, type Settled } from './settled.js'
import type { Download, DownloadState } from './types.js'

export interface TransferOptions {
  readonly order: Order
  readonly services: Services
  /** The next content is on its way already. */
  readonly seed?: Seed | undefined
  /** Called before the readers learn that the content changed, so that they find the successor. */
  readonly onChanged: (seed: Seed | undefined) => void
}

export class Transfer {
  readonly order: Order
  readonly body = new GrowingBody()
  readonly startedAt: number
  readonly #o: TransferOptions
  readonly #stop = new AbortController()
  #head: Head | undefined
  #private: boolean
  #leading = false
  #state: DownloadState = 'scheduled'
  #readers = 0
  #settled: Settled | undefined
  #sum: string | undefined
  /** Set by a purge: who comes now must not join. */
  doomed = false
  /** Why the last attempt failed, while the next one is awaited. */
  trouble: string | undefined
  readonly #decided: Promise<void>
  #decide: () => void = () => undefined
  readonly settled: Promise<Settled>

  constructor(options: TransferOptions) {
    this.#o = options
    this.order = options.order
    this.#private = options.order.private
    this.startedAt = options.services.clock.now()
    this.#decided = new Promise((resolve) => (this.#decide = resolve))
    this.settled = this.#run()
      .then((settled) => this.#complete(settled))
      .then((settled) => this.#settle(settled))
  }

  /** Resolves when the head is known, or the end, whichever is first. */
  get decided(): Promise<void> {
    return this.#decided
  }

  get head(): Head | undefined {
    return this.#head
  }

  get end(): Settled | undefined {
    return this.#settled
  }

  /** Its bytes come with a client's credential, perhaps another process's client's. */
  get private(): boolean {
    return this.#private
  }

  /** The sum of the whole body, as soon as every byte is there; storing it may take a moment longer. */
  get sum(): string | undefined {
    return this.#sum
  }

  /** This process downloads; otherwise it follows one that does. */
  get leading(): boolean {
    return this.#leading
  }

  /** One more reader; it closes `body` and calls leave once. */
  join(): void {
    this.#readers++
    this.body.use()
  }

  async leave(): Promise<void> {
    this.#readers--
    await this.body.close()
  }

  describe(): Download {
    const { order, startedAt } = this
    return {
      url: order.shown,
      state: this.#state,
      received: this.body.available,
      length: this.#head?.length,
      readers: this.#readers,
      startedAt,
      private: this.#private,
    }
  }

  /** Ends it so that another process can go on from what is there. */
  async stop(): Promise<void> {
    this.#stop.abort(new KissError('interrupted', `the download of ${this.order.shown} was interrupted`))
    await this.settled
  }

  async #run(): Promise<Settled> {
    const { order, services } = this.#o
    let followed: number | undefined
    try {
      for (;;) {
        this.#stop.signal.throwIfAborted()
        const got = await services.leases.acquire({
          id: order.id,
          url: order.shown,
          private: order.private,
          followed,
          signal: this.#stop.signal,
        })
        if (got.kind === 'failed') return { kind: 'failed', error: recalled(got.failure) }
        if (got.kind === 'mine') return await this.#lead(got.generation, got.inherited)
        followed = got.generation.number
        const settled = await this.#follow(got.generation, got.owner.private)
        if (settled) return settled
      }
    } catch (error) {
      return { kind: 'failed', error: asKissError(error, 'internal', `cannot fetch ${order.shown}`) }
    }
  }

  async #lead(generation: Generation, inherited: boolean): Promise<Settled> {
    this.#leading = true
    return lead({
      order: this.order,
      services: this.#o.services,
      generation,
      body: this.body,
      inherited,
      shownHead: this.#head,
      seed: this.#o.seed,
      signal: this.#stop.signal,
      onHead: (head) => this.#knowSame(head),
      onChanged: this.#o.onChanged,
      onTrouble: (reason) => (this.trouble = reason),
      onStart: () => (this.#state = 'downloading'),
      onWhole: (sha256) => (this.#sum = sha256),
    })
  }

  /** undefined: the owner is gone, somebody has to go on. */
  async #follow(generation: Generation, isPrivate: boolean): Promise<Settled | undefined> {
    const { services, order, seed } = this.#o
    await seed?.answer.discard()
    this.#leading = false
    this.#private = isPrivate
    this.#state = 'downloading'
    const outcome = await follow({
      generation,
      body: this.body,
      now: () => services.clock.now(),
      silence: SILENCE,
      onHead: (head) => this.#knowSame(head),
      signal: this.#stop.signal,
    })
    if (outcome === 'lost' || outcome.kind === 'interrupted') return undefined
    // A failure of another client's credential says nothing of ours.
    if (outcome.kind === 'failed' && isPrivate && this.body.available === 0) return undefined
    return this.#translate(outcome, order.id)
  }

  async #translate(outcome: Exclude<Outcome, { kind: 'interrupted' }>, id: string): Promise<Settled> {
    switch (outcome.kind) {
      case 'stored': {
        const entry = await this.#o.services.store.entries.get(id)
        return entry?.sha256 === outcome.sha256 ? { kind: 'stored', entry } : { ...outcome, kind: 'whole' }
      }
      case 'changed':
        this.#o.onChanged(undefined)
        return { kind: 'changed', error: changedError(this.order.shown) }
      case 'failed':
        return { kind: 'failed', error: recalled(outcome.failure) }
      default:
        return outcome
    }
  }

  /**
   * What ended elsewhere may have ended before this process saw all of it, or any: then the blob is read instead. No reader
   * is shown an end that is not the body's.
   */
  async #complete(settled: Settled): Promise<Settled> {
    if ('error' in settled) return settled
    const begun = this.#head !== undefined
    if (!begun && (settled.kind === 'renewed' || settled.kind === 'present')) return settled
    try {
      const entry = settled.kind === 'stored' ? settled.entry : await this.#storedEntry(settled)
      const size = entry?.size ?? (settled.kind === 'whole' ? settled.size : undefined)
      if (begun && this.body.available === size && (!entry || this.#agrees(headOf(entry))))
        return entry ? { kind: 'stored', entry } : settled
      if (entry && (await this.#goOver(entry))) return { kind: 'stored', entry }
    } catch (error) {
      return { kind: 'failed', error: asKissError(error, 'disk', `cannot fetch ${this.order.shown}`) }
    }
    if (!begun) return { kind: 'present' }
    this.#o.onChanged(undefined)
    return { kind: 'changed', error: changedError(this.order.shown) }
  }

  async #storedEntry(settled: Settled): Promise<Entry | undefined> {
    return settled.kind === 'whole' ? undefined : this.#o.services.store.entries.get(this.order.id)
  }

  /** False where the blob has gone already, or is of another content than the one that readers have begun. */
  async #goOver(entry: Entry): Promise<boolean> {
    const { blobs } = this.#o.services.store
    const head = headOf(entry)
    if (!this.#agrees(head)) return false
    try {
      const path = blobs.path(entry.sha256)
      if (!this.body.attached) await this.body.attach(path)
      else if (!(await this.body.exchange(path))) return false
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false
      throw error
    }
    if (!this.#head) this.#know(head)
    this.body.grow(entry.size)
    return true
  }

  /** Is this the head of what readers were told of already? */
  #agrees({ headers, length }: Head): boolean {
    const known = this.#head
    return !known || !(differ(known.length, length) || differ(known.headers.etag, headers.etag))
  }

  /** Throws where another content has taken the place of the one that readers were told of. */
  #knowSame(head: Head): void {
    if (!this.#agrees(head)) throw changedError(this.order.shown)
    this.#know(head)
  }

  #know(head: Head): void {
    this.#head = head
    this.trouble = undefined
    this.#decide()
  }

  #settle(settled: Settled): Settled {
    this.#settled = settled
    if (settled.kind === 'stored') this.#sum = settled.entry.sha256
    if (settled.kind === 'whole') this.#sum = settled.sha256
    if ('error' in settled) this.body.fail(settled.error)
    else this.body.finish()
    this.#decide()
    void this.body.close()
    return settled
  }
}

function headOf({ headers, size }: Entry): Head {
  return { headers, length: size, ranges: true, varies: false }
}

/** What only one of the two tells is no difference. */
function differ<T>(a: T | undefined, b: T | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b
}

function recalled(failure: RecordedFailure): KissError {
  const { code, message, status, retryAfter } = failure
  return new KissError(code, message, { status, ...(retryAfter === undefined ? {} : { retryAfter }) })
}
