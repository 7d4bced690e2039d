/** Downloads a key that this process has the lease of, and ends the generation well whatever happens. */

import { asKissError, KissError, systemCode } from '../errors.js'
import { lifetimesFrom } from '../http/freshness.js'
import { BodyWriter } from './writer.js'
import type { Generation, Head, Outcome } from './directory.js'
import type { GrowingBody } from './body.js'
import { FAILURE_MEMORY } from './lease.js'
import { withRoom } from '../store/room.js'
import type { Entry } from '../store/types.js'
import { commit, reservationOf } from './commit.js'
import { BodyDownload } from './attempts.js'
import type { Order, Seed } from './order.js'
import { Reservation } from './reservation.js'
import { isCertificateError, isRemembered } from './refusals.js'
import type { Collaborators } from './collaborators.js'
import type { Waiting } from './waiting.js'
import { changedError, type Settled } from './ending.js'

export interface LeadOptions {
  readonly order: Order
  readonly services: Collaborators
  readonly generation: Generation
  readonly body: GrowingBody
  /** The directory holds a predecessor's body. */
  readonly inherited: boolean
  /** What readers here were told of the body already. */
  readonly shownHead: Head | undefined
  readonly seed: Seed | undefined
  readonly signal: AbortSignal
  /** `confirmed`: by the origin, to this order. */
  readonly onHead: (head: Head, confirmed: boolean) => void
  readonly waiting: Waiting
  /** How many clients read here. */
  readonly readers: () => number
  /** Every byte is there; what follows is our own bookkeeping. */
  readonly onWhole: (sha256: string) => void
  /** The generation has ended; the next one is free for the content that replaced it. */
  readonly onChanged: (seed: Seed | undefined) => void
}

/** What the attempt came to, with what is needed to end it. */
type Attempted =
  Exclude<Settled, { kind: 'failed' | 'changed' }> | { readonly kind: 'changed'; readonly seed: Seed | undefined }

export async function lead(options: LeadOptions): Promise<Settled> {
  const { order, services, generation, signal } = options
  const beat = setInterval(() => {
    generation.heartbeat(services.leases.monotonic()).catch(() => {
      // The directory was taken away: the commit finds out, and the readers keep the file that is open.
    })
  }, services.leases.heartbeat).unref()
  try {
    const attempted = await attempt(options)
    await tell(outcomeOf(attempted), generation, services)
    await services.store.space.release(reservationOf(order.id, generation))
    await services.leases.discard(order.id, generation)
    if (attempted.kind !== 'changed') return attempted
    options.onChanged(attempted.seed)
    return { kind: 'changed', error: changedError(order.shown) }
  } catch (error) {
    if (signal.aborted) {
      await interrupt(order, generation, services)
      return { kind: 'failed', error: signal.reason as KissError }
    }
    return { kind: 'failed', error: await giveUp(error, options) }
  } finally {
    clearInterval(beat)
  }
}

async function attempt(options: LeadOptions): Promise<Attempted> {
  const { order, services, generation, body, inherited, signal } = options
  if (await alreadyThere(order, services)) {
    await options.seed?.answer.discard()
    return { kind: 'present' }
  }
  const finished = inherited ? undefined : await finishPredecessor(options)
  if (finished) return { kind: 'stored', entry: finished }

  // Readers here may have bytes of another file, whose owner may still be appending to it: compare, then go over to ours.
  const exchanging = body.attached
  const reservation = new Reservation(services.store.space, reservationOf(order.id, generation))
  const view = new View(body, generation.bodyPath, exchanging, () => options.onChanged(undefined))
  const writer = await BodyWriter.open({
    path: generation.bodyPath,
    mode: generation.modes.file,
    onGrow: (size) => view.show(size),
    reserve: (size) => reservation.grow(size),
    makeRoom: async (bytes) => (await services.store.space.evict(bytes)) > 0,
  })
  let noted: Promise<void> = Promise.resolve()
  options.waiting.onChange = () => {
    const wait = options.waiting.now
    // Readers in other processes wait without these words, too.
    noted = noted.then(() => generation.setTrouble(wait)).catch(() => undefined)
  }
  try {
    if (!body.attached) await body.attach(generation.bodyPath)
    const result = await new BodyDownload({
      order,
      services,
      writer,
      head: inherited ? await generation.head() : options.shownHead,
      sum: inherited ? await generation.sum() : undefined,
      seed: options.seed,
      signal,
      onHead: async (head) => {
        await withRoom(services.store.space, async () => {
          await reservation.begin(head.length, writer.size)
          await generation.setHead(head)
        })
        options.onHead(head, true)
      },
      onConfirmed: (size) => view.show(size),
      waiting: options.waiting,
      readers: options.readers,
    }).run()
    if (result.kind === 'changed') return result
    if (result.kind === 'renewed') return await renew(options)
    // Where a predecessor had all of it, nobody was told of a head yet.
    options.onHead(result.head, false)
    const size = writer.size
    const sha256 = writer.digest()
    await view.whole(size)
    options.onWhole(sha256)
    await writer.close()
    let entry: Entry | undefined
    try {
      entry = await commit({ ...result, sha256, size }, order, generation, services)
    } finally {
      // Only now: a reader that has the last byte finds the entry. Where the disk takes none, the bytes are still right.
      body.finish()
    }
    return entry ? { kind: 'stored', entry } : { kind: 'whole', sha256, size }
  } finally {
    // Nothing may be written where the directory is removed next.
    options.waiting.onChange = () => undefined
    await noted
    await writer.close()
  }
}

/** Between the look that found nothing and the lease, somebody else may have stored or renewed it. */
async function alreadyThere(order: Order, services: Collaborators): Promise<boolean> {
  const entry = await services.store.entries.reload(order.id)
  if (!entry) return false
  const known = order.stale ?? order.replaces
  return known === undefined || entry.validatedAt > known.validatedAt || entry.sha256 !== known.sha256
}

/** The predecessor died between the rename of its body and the index. */
async function finishPredecessor({ order, services, generation }: LeadOptions): Promise<Entry | undefined> {
  const [sum, head] = await Promise.all([generation.sum(), generation.head()])
  // Where the entry was written, too, there is something to validate, and nothing to finish.
  if (!sum || !head || order.stale?.sha256 === sum.sha256) return undefined
  const blob = await services.store.open(sum)
  if (!blob) return undefined
  await blob.close()
  return commit({ ...sum, head, file: services.store.blobs.path(sum.sha256) }, order, generation, services)
}

/** RFC 9111 §4.3.4: the 304 freshens what is stored. */
async function renew({ order, services, generation }: LeadOptions): Promise<Attempted> {
  const entry = await services.store.entries.reload(order.id)
  // Purged or replaced meanwhile: whoever waits looks again.
  if (!entry || entry.sha256 !== order.stale?.sha256 || (await generation.purged())) return { kind: 'present' }
  const now = services.clock.now()
  // The stored validators stay: those of the 304 are the same, or weaker.
  const renewed = await services.store.entries.renew({ ...entry, ...lifetimesFrom(now, entry.lifetime) })
  return { kind: renewed ? 'renewed' : 'present' }
}

/** What came so far is for whoever goes on; where nothing did, nothing is left. */
async function interrupt({ id }: Order, generation: Generation, services: Collaborators): Promise<void> {
  const nothing = (await generation.head().catch(() => undefined)) === undefined
  await tell({ kind: 'interrupted' }, generation, services)
  if (nothing) await services.leases.discard(id, generation).catch(() => undefined)
}

/** False where the disk takes no more: followers find the directory gone then, and look for themselves. */
async function tell(outcome: Outcome, generation: Generation, services: Collaborators): Promise<boolean> {
  try {
    await withRoom(services.store.space, () => generation.end(outcome))
    return true
  } catch (error) {
    services.warn(`cannot write down how a download ended: ${asKissError(error).message}`)
    return false
  }
}

async function giveUp(error: unknown, { order, services, generation }: LeadOptions): Promise<KissError> {
  const failure =
    error instanceof KissError
      ? error
      : asKissError(error, systemCode(error) === undefined ? 'internal' : 'disk', `cannot fetch ${order.shown}`)
  const { code, message, status, retryAfter } = failure
  const remembered = isRemembered(failure) && order.access !== 'client' && !isMendable(failure, order, services)
  const record = { code, message, status, retryAfter }
  const outcome: Outcome = { kind: 'failed', failure: record, at: services.clock.now(), remembered }
  const told = await tell(outcome, generation, services)
  await services.store.space.release(reservationOf(order.id, generation))
  const remove = async (): Promise<void> => {
    await (told ? services.leases.forget(order.id, generation) : services.leases.discard(order.id, generation)).catch(
      // What cannot be removed is swept when a process starts.
      () => undefined,
    )
  }
  if (told && remembered) setTimeout(() => void remove(), FAILURE_MEMORY).unref()
  else await remove()
  return failure
}

/** Who asks on a command line can mend the provider's credential, or name an authority, and asks again at once. */
function isMendable(failure: KissError, { provider }: Order, { settings }: Collaborators): boolean {
  const refused = provider.authorise !== undefined && failure.code === 'origin-refused'
  return settings.ownUse && (refused || isCertificateError(failure))
}

function outcomeOf(attempted: Attempted): Outcome {
  if (attempted.kind === 'stored') return { kind: 'stored', sha256: attempted.entry.sha256, size: attempted.entry.size }
  return attempted.kind === 'changed' ? { kind: 'changed' } : attempted
}

/** What readers may see of a file that is being written. */
class View {
  #exchange: Promise<void> | undefined
  #shown = 0

  constructor(
    readonly body: GrowingBody,
    readonly path: string,
    private exchanging: boolean,
    /** The readers have bytes of another content. */
    readonly onOther: () => void,
  ) {}

  show(size: number): void {
    this.#shown = Math.max(this.#shown, size)
    if (!this.exchanging) return this.body.grow(this.#shown)
    if (this.#shown < this.body.size) return
    this.#exchange ??= this.#goOver()
  }

  async #goOver(): Promise<void> {
    try {
      if (!(await this.body.exchange(this.path))) {
        this.onOther()
        this.body.fail(changedError('this artifact'))
      }
    } catch (error) {
      this.body.fail(asKissError(error, 'disk', 'cannot read what was downloaded'))
    }
    this.exchanging = false
    this.body.grow(this.#shown)
  }

  /** Every byte has arrived; the end is still to be told. */
  async whole(size: number): Promise<void> {
    this.show(size)
    await this.#exchange
    this.body.grow(size)
  }
}
