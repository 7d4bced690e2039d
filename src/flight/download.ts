/** Downloads a key whose lease this process holds, and ends the generation in every case. */

import { stat } from 'node:fs/promises'
import { asKissError, isCertificateError, KissError, proxyErrorIn, systemCode } from '../errors.js'
import { unlessMissing } from '../store/files.js'
import { withRoom } from '../store/slack.js'
import type { Entry } from '../store/types.js'
import { Attempts } from './attempts.js'
import { timesOf, toldBy, type SharedDownload } from './cluster.js'
import type { Collaborators } from './collaborators.js'
import { commit, confirmed, reservationOf } from './commit.js'
import type { Ending } from './ending.js'
import { Landing } from './landing.js'
import { FAILURE_MEMORY, type Acquisition } from './lease.js'
import type { Order, Seed } from './subject.js'
import { isRemembered } from './refusals.js'
import type { FlightState } from './state.js'

/** Milliseconds that an interrupted part is kept without a request: clients that were cut short come back at once. */
const PART_MEMORY = 300_000

export interface DownloadOptions {
  readonly order: Order
  readonly collaborators: Collaborators
  readonly lease: Extract<Acquisition, { kind: 'mine' }>
  readonly state: FlightState
  readonly seed: Seed | undefined
  readonly signal: AbortSignal
  /** The generation ended as `changed`. `seed` is the answer with the new content, if there is one. */
  readonly onChanged: (seed: Seed | undefined) => void
  /** The origin refused the credential. True: the bytes so far are continued with another one. */
  readonly onRefused: () => boolean
}

/** Never rejects. */
export async function download(options: DownloadOptions): Promise<Ending> {
  const { order, collaborators, signal } = options
  const { generation } = options.lease
  const shared = collaborators.cluster?.begin(order, (loan) => {
    options.state.loan = loan
    return generation.setLoan(loan)
  })
  const beat = setInterval(() => {
    generation.heartbeat(collaborators.leases.monotonic()).catch(() => {
      // The directory was removed: the commit detects it, and the readers keep their open file.
    })
  }, collaborators.leases.heartbeat).unref()
  try {
    // The process that reserved this room is dead, or it stopped in the middle.
    for (const removed of options.lease.removed)
      await collaborators.store.space.release(reservationOf(order.id, removed))
    const { ending, seed, entry } = await fetchBody(options, shared)
    shared?.end(ending, entry)
    await tell(ending, options)
    // The ledger ended the reservation of a stored body when it counted the blob.
    if (ending.kind !== 'stored') await collaborators.store.space.release(reservationOf(order.id, generation))
    await collaborators.leases.discard(order.id, generation)
    if (ending.kind === 'changed') options.onChanged(seed)
    return ending
  } catch (error) {
    const isContinued = signal.aborted || isBrokenOff(error) || (isRefused(error) && options.onRefused())
    const ending = isContinued ? await interrupt(options) : await giveUp(error, options)
    shared?.end(ending, undefined)
    return ending
  } finally {
    clearInterval(beat)
  }
}

interface Fetched {
  readonly ending: Ending
  /** The entry that was stored or renewed. */
  readonly entry?: Entry | undefined
  /** An answer with the new content. */
  readonly seed?: Seed | undefined
}

async function fetchBody(options: DownloadOptions, shared: SharedDownload | undefined): Promise<Fetched> {
  const { order, collaborators, state, signal } = options
  const { generation, succeeds, inherited } = options.lease
  if (await alreadyThere(options)) {
    await options.seed?.answer.discard()
    return { ending: { kind: 'present' } }
  }
  const finished = succeeds && !inherited ? await finishPredecessor(options) : undefined
  if (finished) return { ending: finished, entry: state.entry }
  const seed = await admitted(options.seed, shared)

  // The writer opens the file.
  const writtenAt = inherited ? await generation.writtenAt() : undefined
  const landing = await Landing.open({
    generation,
    state,
    space: collaborators.store.space,
    reservation: reservationOf(order.id, generation),
    head: inherited ? await generation.head() : state.head,
    onOther: () => options.onChanged(undefined),
  })
  try {
    const left = inherited ? { sum: await generation.sum(), writtenAt } : undefined
    const origins = collaborators.origins
    const asked = shared ? { ...collaborators, origins: async () => shared.over(await origins()) } : collaborators
    const attempts = new Attempts({ order, collaborators: asked, landing, state, left, seed, signal })
    const ending = await attempts.run()
    if (ending.kind === 'changed') return { ending, seed: attempts.seed }
    if (ending.kind === 'renewed') return await renew(options, attempts)
    return { ending: await store(ending, landing, attempts, options), entry: state.entry }
  } finally {
    await landing.close()
  }
}

/** An answer of the origin is read further only under the lease of the cluster. */
async function admitted(seed: Seed | undefined, shared: SharedDownload | undefined): Promise<Seed | undefined> {
  if (!seed || !shared || toldBy(seed.answer) || (await shared.claim())) return seed
  await seed.answer.discard()
  return undefined
}

/** Another process may have stored or renewed the entry between the lookup and the lease. */
async function alreadyThere({ order, collaborators }: DownloadOptions): Promise<boolean> {
  const entry = await collaborators.store.entries.reload(order.id)
  if (!entry) return false
  const known = order.stale ?? order.replaces
  return known === undefined || entry.validatedAt > known.validatedAt || entry.sha256 !== known.sha256
}

/** The predecessor died between the rename of its body and the write of the entry. */
async function finishPredecessor({ order, collaborators, lease, state }: DownloadOptions): Promise<Ending | undefined> {
  const { generation } = lease
  const [sum, head] = await Promise.all([generation.sum(), generation.head()])
  // The predecessor also wrote the entry: this download validates it, and has nothing to finish.
  if (!sum || !head || order.stale?.sha256 === sum.sha256) return undefined
  const blob = await collaborators.store.open(sum)
  if (!blob) return undefined
  await blob.close()
  const file = collaborators.store.blobs.path(sum.sha256)
  const written = await unlessMissing(stat(file))
  const confirmedAt = Math.min(head.confirmedAt ?? Infinity, written?.mtimeMs ?? Infinity)
  const entry = await commit({ ...sum, head: { ...head, confirmedAt }, file }, order, generation, collaborators)
  // The predecessor may have died long ago: a stale entry is validated like any other.
  if (entry && entry.staleAt <= collaborators.clock.now()) return { kind: 'present' }
  state.entry = entry
  return state.entry && { kind: 'stored', sha256: sum.sha256, size: sum.size }
}

/** Stores a body of which every byte arrived. */
async function store(
  ending: Extract<Ending, { kind: 'whole' }>,
  landing: Landing,
  { delimited, told, confirmedAt }: Pick<Attempts, 'delimited' | 'told' | 'confirmedAt'>,
  { order, collaborators, lease, state }: DownloadOptions,
): Promise<Ending> {
  const { head } = landing
  if (!head) throw new KissError('internal', 'a body without a head')
  // If a predecessor wrote all of it, no reader knows the head yet.
  state.learn(head)
  await landing.whole()
  state.sum = ending.sha256
  try {
    const dated = { ...head, confirmedAt: head.confirmedAt ?? confirmedAt }
    const whole = { ...ending, head: dated, delimited, times: told?.entry && timesOf(told.entry) }
    const kept = told ? { ...order, access: told.access, lifetime: told.lifetime } : order
    state.entry = await commit(whole, kept, lease.generation, collaborators)
  } finally {
    // Readers get the last byte after the commit, so that they find the entry. If the disk refuses it, the bytes are still right.
    state.body.finish()
  }
  return state.entry ? { ...ending, kind: 'stored' } : ending
}

/** RFC 9111 §4.3.4: the 304 freshens the stored entry. */
async function renew(
  { order, collaborators, lease }: DownloadOptions,
  { told, confirmedAt = collaborators.clock.now() }: Pick<Attempts, 'told' | 'confirmedAt'>,
): Promise<Fetched> {
  const entry = await collaborators.store.entries.reload(order.id)
  // Purged or replaced meanwhile: the waiting requests look at the store again.
  if (!entry || entry.sha256 !== order.stale?.sha256 || (await lease.generation.dropped()))
    return { ending: { kind: 'present' } }
  // The stored validators stay: those of the 304 are equal or weaker.
  const renewed = told?.entry ? { ...entry, ...timesOf(told.entry) } : confirmed(entry, confirmedAt, order.renewal)
  const isThere = await collaborators.store.entries.renew(renewed)
  return isThere ? { ending: { kind: 'renewed' }, entry: renewed } : { ending: { kind: 'present' } }
}

/** Leaves the bytes so far for the process that continues; removes the generation if there are none. */
async function interrupt(options: DownloadOptions): Promise<Ending> {
  const { order, collaborators, lease, signal } = options
  const { generation } = lease
  const ending: Ending = { kind: 'interrupted' }
  const nothing = (await generation.head().catch(() => undefined)) === undefined
  await tell(ending, options)
  const discard = (): Promise<void> => collaborators.leases.discard(order.id, generation).catch(() => undefined)
  if (nothing) await discard()
  if (signal.aborted) return ending
  // This process goes on, and with it its reservation would.
  await collaborators.store.space.release(reservationOf(order.id, generation))
  if (!nothing) setTimeout(() => void discard(), PART_MEMORY).unref()
  return ending
}

/** True if the node that sent the bytes is gone, and this one only followed its download. */
function isBrokenOff(error: unknown): boolean {
  return error instanceof KissError && error.code === 'interrupted'
}

function isRefused(error: unknown): boolean {
  return error instanceof KissError && error.code === 'origin-refused'
}

/** False if the disk refuses the write: the followers then find no directory and look at the store. */
async function tell(ending: Ending, { collaborators, lease }: DownloadOptions): Promise<boolean> {
  try {
    await withRoom(collaborators.store.space, () => lease.generation.end(ending))
    return true
  } catch (error) {
    collaborators.warn(`cannot write down how a download ended: ${asKissError(error).message}`)
    return false
  }
}

async function giveUp(error: unknown, options: DownloadOptions): Promise<Ending> {
  const { order, collaborators, lease } = options
  const { generation } = lease
  const code = systemCode(error) === undefined ? 'internal' : 'disk'
  const failure = asKissError(error, code, `cannot fetch ${order.shown}`)
  const remembered = isRemembered(failure) && order.access !== 'client' && !isMendable(failure, options)
  const ending: Ending = { kind: 'failed', failure, at: collaborators.clock.now(), remembered }
  const told = await tell(ending, options)
  await collaborators.store.space.release(reservationOf(order.id, generation))
  const remove = async (): Promise<void> => {
    await (
      told ? collaborators.leases.forget(order.id, generation) : collaborators.leases.discard(order.id, generation)
    ).catch(
      // A directory that cannot be removed is swept when a process starts.
      () => undefined,
    )
  }
  if (told && remembered) setTimeout(() => void remove(), FAILURE_MEMORY).unref()
  else await remove()
  return ending
}

/** Failures that the user of a command line can fix at once: the provider's credential, an authority to trust, a proxy. */
function isMendable(failure: KissError, { order, collaborators }: DownloadOptions): boolean {
  const refused = order.provider.authorise !== undefined && failure.code === 'origin-refused'
  return (
    collaborators.settings.ownUse && (refused || isCertificateError(failure) || proxyErrorIn(failure) !== undefined)
  )
}
