/**
 * One download in flight, as this process sees it: led here, or followed from another process, and from one to the other
 * when an owner dies. Its readers never notice which.
 */

import { asKissError, KissError, systemCode } from '../errors.js'
import type { Generation, Head, Outcome } from './directory.js'
import { withRoom } from '../store/room.js'
import { follow } from './follow.js'
import { GrowingBody } from './body.js'
import type { Acquisition } from './lease.js'
import { agrees, complete } from './completion.js'
import { lead } from './download.js'
import { storageId, type Order, type Seed } from './order.js'
import type { Collaborators } from './collaborators.js'
import { accessOf } from './access.js'
import type { Subject } from './subject.js'
import { Waiting } from './waiting.js'
import { changedError, recalled, type Settled } from './ending.js'
import type { Download } from './list.js'
import type { Access, KeyId } from '../store/types.js'

export interface TransferOptions {
  readonly order: Order
  readonly services: Collaborators
  /** The next content is on its way already. */
  readonly seed?: Seed | undefined
  /**
   * Called before the readers learn that the content changed, so that they find the successor. `order`: whose credential
   * the seed was given to; another may have been vouched for meanwhile.
   */
  readonly onChanged: (seed: Seed | undefined, order: Order) => void
}

export class Transfer {
  readonly body = new GrowingBody()
  readonly startedAt: number
  readonly #o: TransferOptions
  readonly #stop = new AbortController()
  #head: Head | undefined
  #access: Access
  #order: Order
  #leading = false
  #confirmed = false
  #seed: Seed | undefined
  #readers = 0
  #settled: Settled | undefined
  #sum: string | undefined
  /** Why there is no byte at the moment. */
  readonly waiting = new Waiting()
  /** Resolves when it is known who downloads, and so with whose credential. */
  readonly placed: Promise<void>
  #place: () => void = () => undefined
  readonly #decided: Promise<void>
  #decide: () => void = () => undefined
  readonly settled: Promise<Settled>

  constructor(options: TransferOptions) {
    this.#o = options
    this.#order = options.order
    this.#access = options.order.access
    this.#seed = options.seed
    this.startedAt = options.services.clock.now()
    this.placed = new Promise((resolve) => (this.#place = resolve))
    this.#decided = new Promise((resolve) => (this.#decide = resolve))
    this.settled = this.#run().then((settled) => this.#settle(settled))
  }

  get order(): Order {
    return this.#order
  }

  /**
   * The origin accepted this client for the content. A transfer whose own credential it has not accepted goes on with
   * that client's, should it have to ask.
   */
  vouch({ url, headers, credential, ownRight }: Subject): void {
    if (!this.#confirmed) this.#order = { ...this.#order, url, headers, credential, ownRight }
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

  /** Whose credential brings its bytes, perhaps in another process. */
  get access(): Access {
    return this.#access
  }

  /** Not everybody who uses this cache may know of it. */
  get private(): boolean {
    return this.#access === 'client' || (this.#access === 'provider' && !this.order.lent)
  }

  /** The id under which the whole body will be kept; undefined where it will not be. */
  get storedAs(): KeyId | undefined {
    return this.#head && storageId({ ...this.order, access: this.#access }, this.#head)
  }

  /** The sum of the whole body, as soon as every byte is there; storing it may take a moment longer. */
  get sum(): string | undefined {
    return this.#sum
  }

  /** The origin gave this very order its bytes, or confirmed those that a predecessor left: its credential is right. */
  get confirmed(): boolean {
    return this.#confirmed
  }

  /** This process downloads; otherwise it follows one that does. */
  get leading(): boolean {
    return this.#leading
  }

  /** Nobody waits for it, and it has brought nothing that would be lost. */
  get idle(): boolean {
    return this.#readers === 0 && this.#head === undefined
  }

  /** One more reader; it closes `body` and calls leave once. */
  join(): void {
    this.#readers++
    this.#tellReaders()
    this.body.use()
  }

  async leave(): Promise<void> {
    this.#readers--
    this.#tellReaders()
    await this.body.close()
  }

  #tellReaders(): void {
    this.#o.services.store.readers.set(this.order.id, this.#readers)
  }

  describe(): Download {
    const { order, startedAt } = this
    return {
      url: order.shown,
      state: this.waiting.queued || !(this.waiting.started || this.#head) ? 'scheduled' : 'downloading',
      place: this.waiting.now.place,
      received: this.body.size,
      length: this.#head?.length,
      readers: this.#readers,
      startedAt,
      private: this.private,
    }
  }

  /** Ends it so that another process can go on from what is there. */
  async stop(): Promise<void> {
    this.#stop.abort(new KissError('interrupted', `the download of ${this.order.shown} was interrupted`))
    await this.settled
  }

  async #run(): Promise<Settled> {
    const { services } = this.#o
    let followed: number | undefined
    try {
      for (;;) {
        const { order } = this
        this.#stop.signal.throwIfAborted()
        const { signal } = this.#stop
        const got = await withRoom(services.store.space, () =>
          services.leases.acquire({
            id: order.id,
            url: order.shown,
            access: order.access,
            followed,
            ignoreFailure: order.insists,
            signal,
          }),
        )
        if (got.kind === 'failed') return { kind: 'failed', error: recalled(got.failure) }
        if (got.kind === 'theirs') followed = got.generation.number
        const settled =
          got.kind === 'mine'
            ? await this.#lead(got)
            : await this.#follow(got.generation, accessOf(got.owner, order.provider))
        // It was meant for a client that nobody has vouched for; now there is another.
        const refused = settled?.kind === 'failed' && settled.error.code === 'origin-refused'
        if (got.kind === 'mine' && refused && order.credential !== this.order.credential) continue
        const done = settled && (await complete(settled, this, services.store))
        if (done) return done
      }
    } catch (error) {
      const code = systemCode(error) === undefined ? 'internal' : 'disk'
      return { kind: 'failed', error: asKissError(error, code, `cannot fetch ${this.order.shown}`) }
    }
  }

  async #lead(got: Extract<Acquisition, { kind: 'mine' }>): Promise<Settled> {
    this.#leading = true
    this.#access = got.access
    this.#place()
    const { order } = this
    return lead({
      order: { ...order, access: got.access },
      services: this.#o.services,
      generation: got.generation,
      body: this.body,
      inherited: got.inherited,
      shownHead: this.#head,
      seed: this.#takeSeed(),
      signal: this.#stop.signal,
      onHead: (head, confirmed) => {
        this.#confirmed ||= confirmed
        this.#knowSame(head)
      },
      onChanged: (seed) => this.#o.onChanged(seed, order),
      waiting: this.waiting,
      readers: () => this.#readers,
      onWhole: (sha256) => (this.#sum = sha256),
    })
  }

  /** An answer is read once. */
  #takeSeed(): Seed | undefined {
    const seed = this.#seed
    this.#seed = undefined
    return seed
  }

  /** undefined: the owner is gone, somebody has to go on. */
  async #follow(generation: Generation, access: Access): Promise<Settled | undefined> {
    const { order } = this
    const { services } = this.#o
    await this.#takeSeed()?.answer.discard()
    this.#leading = false
    this.#access = access
    this.#place()
    const outcome = await follow({
      generation,
      body: this.body,
      now: services.leases.monotonic,
      silence: services.leases.silence,
      onHead: (head) => this.#knowSame(head),
      waiting: this.waiting,
      signal: this.#stop.signal,
    })
    if (outcome === 'lost' || outcome.kind === 'interrupted') return undefined
    // What an origin says to another client's credential, or to none, says nothing of ours.
    const isOurs = access === order.access && access !== 'client'
    if (outcome.kind === 'failed' && !isOurs && outcome.failure.code === 'origin-refused') return undefined
    return this.#translate(outcome, order.id)
  }

  async #translate(outcome: Exclude<Outcome, { kind: 'interrupted' }>, id: string): Promise<Settled> {
    switch (outcome.kind) {
      case 'stored': {
        const entry = await this.#o.services.store.entries.reload(id)
        return entry?.sha256 === outcome.sha256 ? { kind: 'stored', entry } : { ...outcome, kind: 'whole' }
      }
      case 'changed':
        this.#o.onChanged(undefined, this.order)
        return { kind: 'changed', error: changedError(this.order.shown) }
      case 'failed':
        return { kind: 'failed', error: recalled(outcome.failure) }
      default:
        return outcome
    }
  }

  /** Throws where another content has taken the place of the one that readers were told of. */
  #knowSame(head: Head): void {
    if (!agrees(this.#head, head)) throw changedError(this.order.shown)
    this.#know(head)
  }

  #know(head: Head): void {
    this.#head = head
    this.body.expect(head.length)
    this.waiting.arrived()
    this.#decide()
  }

  #settle(settled: Settled): Settled {
    this.#settled = settled
    this.#place()
    if (settled.kind === 'stored') this.#sum = settled.entry.sha256
    if (settled.kind === 'whole') this.#sum = settled.sha256
    if ('error' in settled) this.body.fail(settled.error)
    else this.body.finish()
    this.#decide()
    void this.body.close()
    return settled
  }
}
