/** One attempt of a download: its parameters, its request, the context of its answer, and its result. Pure. */

import { systemCode } from '../errors.js'
import { saysSignInPage } from '../http/cache-status.js'
import { isSelecting } from '../http/passed-headers.js'
import { isSignInPage } from '../http/sign-in.js'
import type { OriginAnswer, OriginRequest } from '../upstream/types.js'
import { toldBy } from './cluster.js'
import type { Collaborators, Counting, FlightSettings } from './collaborators.js'
import type { Sum } from './directory.js'
import type { Ending } from './ending.js'
import type { LandingPlace } from './landing.js'
import type { Ask, Circumstances, Verdict } from './resume.js'
import type { FlightState } from './state.js'
import { type Order, type Seed, resourceOf } from './subject.js'

/** Milliseconds: with a stale entry at hand the origin gets one attempt of this length (rule 2 of the cache). */
export const VALIDATION_TIMEOUT = 5_000

export interface AttemptsOptions {
  readonly order: Order
  readonly collaborators: Pick<Collaborators, 'origins' | 'clock' | 'random' | 'resourceKey' | 'trace' | 'parallel'> & {
    readonly store: Counting
    readonly settings: Pick<FlightSettings, 'retryFor'>
  }
  readonly landing: LandingPlace
  readonly state: Pick<FlightState, 'waiting' | 'readers' | 'connections'>
  /** Of a predecessor that was interrupted: the sum that it computed, and when its last byte came, in milliseconds since the epoch. */
  readonly left: { readonly sum: Sum | undefined; readonly writtenAt: number | undefined } | undefined
  /** An answer that has arrived already: it showed that the content changed. */
  readonly seed: Seed | undefined
  readonly signal: AbortSignal
}

/** Another attempt is needed. */
export interface Again {
  readonly kind: 'again'
  readonly reason: string
  readonly cause?: unknown
  /** Milliseconds that the origin asks for; `binding`: an earlier request would fail. */
  readonly after?: number | undefined
  readonly binding?: boolean | undefined
  /** Without a pause: nothing failed. */
  readonly free?: boolean
}

/** The endings of the body of a generation. */
export type BodyEnding = Extract<Ending, { kind: 'whole' | 'renewed' | 'changed' }>

export type Step = BodyEnding | Again

/** Nothing failed: the next attempt waits for a turn, or asks the node that continues the download. */
export const MOVED: Step = { kind: 'again', reason: 'another download had its place', free: true }

export function isMoved(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ERR_YIELDED' || code === 'ERR_MOVED'
}

/** The fields that all requests of an order share. */
export function requestFor(
  order: Order,
  { headers, source }: Pick<Ask, 'headers' | 'source'>,
): Omit<OriginRequest, 'signal' | 'headersTimeout'> {
  const { url, provider, ttl, insists, client, lane, relay, via, through } = order
  return {
    url,
    provider,
    method: 'GET',
    headers: { ...order.headers, ...headers },
    clientCredential: order.ownRight,
    source,
    ttl,
    refresh: insists,
    client,
    lane,
    relay,
    via,
    through,
  }
}

/** The context in which `judge` reads an answer. */
export function circumstancesOf(
  answer: OriginAnswer,
  order: Order,
  { resourceKey, clock }: Pick<Collaborators, 'resourceKey' | 'clock'>,
): Circumstances {
  const told = toldBy(answer)
  return {
    now: clock.now(),
    // Selecting headers are part of the key: a `Vary` on them does not prevent storing.
    passedNames: Object.keys(order.headers).filter((name) => !isSelecting(name)),
    resource: told ? (told.resource ?? '') : resourceOf(answer.url, order.provider, resourceKey),
    hop: answer.hop,
    // A node never lends a sign-in page.
    signIn: !told && isSignIn(answer, order),
  }
}

/** Is the answer a sign-in page in place of the artifact? A parent reports it in its answer; for others the redirects decide. */
function isSignIn({ kind, cacheStatus, url, hop, headers }: OriginAnswer, order: Order): boolean {
  return kind === 'parent' ? saysSignInPage(cacheStatus) : isSignInPage({ asked: order.url, url, hop, headers })
}

/** The meaning of an answer for the bytes on disk, for --verbose. A failure is reported with the pause that follows it. */
export const decisions: Readonly<Record<Verdict['kind'], string | undefined>> = {
  begin: undefined,
  append: 'the answer continues the bytes that are here',
  compare: 'the answer begins anew: its bytes are compared with those that are here',
  changed: 'the content has changed: the download begins anew',
  renewed: 'the content has not changed',
  complete: 'every byte is here already',
  distrust: 'the answer does not prove that it continues the bytes that are here: kiss asks for the whole',
  failure: undefined,
}
