/**
 * One download as this process sees it. The process leads the download or follows the process that does, and takes over
 * when the owner dies. The readers see one growing body in all cases.
 */

import { KissError, asKissError, systemCode } from '../errors.js'
import { withRoom } from '../store/slack.js'
import type { Access, KeyId } from '../store/types.js'
import type { Collaborators } from './collaborators.js'
import { download } from './download.js'
import { type Ending, errorOf } from './ending.js'
import { follow } from './follow.js'
import type { Acquisition } from './lease.js'
import type { Download } from './list.js'
import { type Order, type Seed, storageId, withoutCredential, holderOf } from './subject.js'
import { FlightState, agrees } from './state.js'
import { accessOf, strictest } from './access.js'
import type { Store } from '../store/open.js'

export interface FlightOptions {
  readonly order: Order
  readonly collaborators: Collaborators
  /** An answer with the next content has arrived already. */
  readonly seed?: Seed | undefined
  /**
   * Called before the readers learn that the content changed, so that they find the successor.
   * @param order the order whose credential got the seed; the flight may use the credential of another order by then
   */
  readonly onChanged: (seed: Seed | undefined, order: Order) => void
}

export class Flight {
  readonly state: FlightState
  readonly startedAt: number
  readonly #o: FlightOptions
  readonly #stop = new AbortController()
  #order: Order
  /** One order for each credential of the readers. The flight can go on with any of them. */
  readonly #readers = new Map<string | undefined, Order>()
  #seed: Seed | undefined

  constructor(options: FlightOptions) {
    this.#o = options
    this.#order = options.order
    this.#seed = options.seed
    this.state = new FlightState(options.order.shown, options.order.access)
    this.startedAt = options.collaborators.clock.now()
    const { segments } = options.collaborators.store
    this.state.onConnections = (connections) => segments.set(options.order.id, connections)
    void this.#run().then((ending) => this.state.end(ending))
  }

  get order(): Order {
    return this.#order
  }

  /** A client whose right to the bytes is proved reads them. A copy for another node becomes the download of this client. */
  adopt(order: Order): void {
    if (this.#order.follows === true) this.#order = order
    else this.#readers.set(order.credential, order)
  }

  /** Goes on with the credential of a reader in place of its own; false if there is no other. */
  #goOn(): boolean {
    this.#readers.delete(this.#order.credential)
    const [reader] = this.#readers.values()
    if (!reader) return false
    const { url, headers, credential, ownRight, access } = reader
    this.#order = { ...this.#order, url, headers, credential, ownRight, access }
    this.state.confirmed = false
    return true
  }

  /** The download is not listed for every client of this cache. */
  get private(): boolean {
    const { access } = this.state
    return access === 'client' || (access === 'provider' && !this.order.lent)
  }

  /** The id under which the whole body will be stored; undefined if it will not be stored. */
  get storedAs(): KeyId | undefined {
    const { access, head } = this.state
    return head && storageId({ ...this.order, access }, head)
  }

  /** It has no reader and no byte. */
  get idle(): boolean {
    return this.state.readers === 0 && this.state.head === undefined
  }

  /** Adds a reader, which closes `body` and calls `leave` once. */
  join(): void {
    this.#count(1)
    this.state.body.use()
  }

  async leave(): Promise<void> {
    this.#count(-1)
    await this.state.body.close()
  }

  #count(more: number): void {
    this.state.readers += more
    this.#o.collaborators.store.readers.set(this.order.id, this.state.readers)
  }

  describe(): Download {
    const { waiting, head, body, readers } = this.state
    return {
      url: this.order.shown,
      state: waiting.queued || !(waiting.started || head) ? 'scheduled' : 'downloading',
      place: waiting.now.place,
      received: body.size,
      length: head?.length,
      readers,
      connections: this.state.connections,
      startedAt: this.startedAt,
      private: this.private,
    }
  }

  /** Interrupts it so that another process can continue from its bytes. */
  async stop(): Promise<void> {
    this.#stop.abort(new KissError('interrupted', `the download of ${this.order.shown} was interrupted`))
    await this.state.ended
  }

  async #run(): Promise<Ending> {
    const { collaborators } = this.#o
    const { signal } = this.#stop
    let last: number | undefined
    try {
      for (;;) {
        const { order } = this
        if (signal.aborted) return { kind: 'interrupted' }
        const got = await withRoom(collaborators.store.space, () =>
          collaborators.leases.acquire({
            id: order.id,
            url: order.shown,
            access: order.access,
            holder: holderOf(order),
            last,
            ignoreFailure: order.insists,
            signal,
          }),
        )
        if (got.kind !== 'failed') last = got.generation.number
        const ending = await this.#endingOf(got)
        // Its bytes are continued with the credential of another client.
        if (ending?.kind === 'interrupted' && order !== this.#order) continue
        const done = ending && (await complete(ending, this.state, order.id, collaborators.store))
        // A client may have joined since the refusal.
        if (done && !(isRefusal(done) && this.#goOn())) return done
      }
    } catch (error) {
      if (signal.aborted) return { kind: 'interrupted' }
      const code = systemCode(error) === undefined ? 'internal' : 'disk'
      const failure = asKissError(error, code, `cannot fetch ${this.order.shown}`)
      return { kind: 'failed', failure, at: collaborators.clock.now(), remembered: false }
    }
  }

  /** undefined: the rest has to be downloaded. */
  async #endingOf(got: Acquisition): Promise<Ending | undefined> {
    if (got.kind === 'failed') return got.ending
    return got.kind === 'mine' ? this.#download(got) : this.#follow(got)
  }

  async #download(lease: Extract<Acquisition, { kind: 'mine' }>): Promise<Ending> {
    const { order, state } = this
    state.leading = true
    this.#place(lease.access, undefined)
    return download({
      order: { ...order, access: lease.access },
      collaborators: this.#o.collaborators,
      lease,
      state,
      seed: this.#takeSeed(),
      signal: this.#stop.signal,
      onChanged: (seed) => this.#o.onChanged(seed, order),
      onRefused: () => this.#goOn(),
    })
  }

  /** The readers may have bytes of an earlier generation, which another credential brought: its access remains as well. */
  #place(access: Access, holder: string | undefined): void {
    const { state } = this
    const isFirst = state.head === undefined
    state.access = isFirst ? access : strictest(access, state.access)
    state.holder = isFirst || holder === state.holder ? holder : undefined
    state.place()
  }

  /** Chooses the credential of the rest: the origin may refuse that of this order, or give other bytes to it. */
  #takeOver(): void {
    const { order, state } = this
    if (state.head === undefined) return
    const isForAll = state.access === 'public' || (state.access === 'provider' && order.lent)
    if (isForAll && order.credential !== undefined) this.#order = withoutCredential(order, state.access)
    else if (!isForAll && !this.#readers.has(order.credential)) this.#goOn()
  }

  /** An answer is read once. */
  #takeSeed(): Seed | undefined {
    const seed = this.#seed
    this.#seed = undefined
    return seed
  }

  /** undefined: the owner died, and its download has to be continued. */
  async #follow({ generation, owner }: Extract<Acquisition, { kind: 'theirs' }>): Promise<Ending | undefined> {
    const { order, state } = this
    const access = accessOf(owner, order.provider)
    const { leases, store } = this.#o.collaborators
    await this.#takeSeed()?.answer.discard()
    state.leading = false
    this.#place(access, owner.holder)
    // A waiting owner writes its place in the queue into `trouble`.
    state.waiting.started = true
    const ending = await follow({ generation, state, leases, signal: this.#stop.signal })
    if (ending === 'lost' || ending.kind === 'interrupted') {
      this.#takeOver()
      return undefined
    }
    // A refusal of another credential, or of none, does not apply to the credential of this order.
    const isOurs = access === order.access && access !== 'client'
    if (isRefusal(ending) && !isOurs) return undefined
    if (ending.kind === 'changed') this.#o.onChanged(undefined, order)
    if (ending.kind !== 'stored') return ending
    const entry = await store.entries.reload(order.id)
    if (entry?.sha256 !== ending.sha256) return { ...ending, kind: 'whole' }
    state.entry = entry
    return ending
  }
}

function isRefusal(ending: Ending): boolean {
  return ending.kind === 'failed' && ending.failure.code === 'origin-refused'
}

/** The ending of the flight for them; undefined if the rest is not stored and has to be downloaded. */
export async function complete(
  ending: Ending,
  state: FlightState,
  id: KeyId,
  store: Store,
): Promise<Ending | undefined> {
  const { body, head, shown } = state
  if (errorOf(ending, shown) || body.ended) return ending
  const hasBody = ending.kind === 'stored' || ending.kind === 'whole'
  if (!head) return ending.kind === 'stored' ? { kind: 'present' } : hasBody ? undefined : ending
  if (hasBody && ending.size === body.size) return ending
  const entry = ending.kind === 'stored' ? state.entry : await store.entries.reload(id)
  const wanted = ending.kind !== 'whole' || ending.sha256 === entry?.sha256
  const blob = entry && wanted ? await store.open(entry) : undefined
  if (!entry || !blob) return undefined
  try {
    const same = agrees(head, { headers: entry.headers, length: entry.size })
    if (!same || !(await body.exchange(blob.path))) return { kind: 'changed' }
    body.grow(entry.size)
    state.entry = entry
    return { kind: 'stored', sha256: entry.sha256, size: entry.size }
  } catch (error) {
    // Evicted between the two looks.
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  } finally {
    await blob.close()
  }
}
