/** One exchange with an origin. Its answer is stored, passed on, or taken as a confirmation. */

import { randomUUID } from 'node:crypto'
import { KissError, systemCode } from '../../errors.js'
import type { Flight } from '../../flight/flight.js'
import type { Flights } from '../../flight/flights.js'
import { type Order, aloneIdOf, resourceOf } from '../../flight/subject.js'
import { unreachable } from '../../flight/refusals.js'
import { headOf, lengthOf } from '../../flight/resume.js'
import { countersOf } from '../../flight/sources.js'
import { confirmsStored, headAgrees, validating, withoutConditions } from '../../http/caching/conditions.js'
import { servesInTrouble, type Trouble } from '../../http/caching/decision.js'
import { keptFields, updatedFields } from '../../http/caching/fields.js'
import { freshFor, lifetimeOf } from '../../http/caching/freshness.js'
import { completes, completing, partOf, withSize } from '../../http/caching/parts.js'
import { whyNotStored } from '../../http/caching/storing.js'
import type { Fields, StoredAnswer } from '../../http/caching/types.js'
import { selecting, varyNames } from '../../http/caching/vary.js'
import { storedHeaders } from '../../http/stored.js'
import { keyOf } from '../../store/select.js'
import type { Entry } from '../../store/types.js'
import type { Store } from '../../store/open.js'
import type { OriginAnswer, Origins } from '../../upstream/types.js'
import type { RequestState } from '../request-state.js'
import { laneOf } from '../rules/rules.js'
import type { Clock } from '../../clock.js'
import type { Artifact } from '../types.js'
import type { Asked } from './asked.js'
import { answerId } from './candidates.js'
import { combined } from './combined.js'
import { passingAnswer } from './passing.js'

export type Outcome =
  /** The store has the answer now. */
  | { readonly kind: 'changed' }
  /** The body is in flight, and will be stored. The request that began it has joined the flight. */
  | { readonly kind: 'growing'; readonly flight: Flight; readonly stored: StoredAnswer }
  /** An answer for one client alone. */
  | { readonly kind: 'passing'; readonly artifact: Artifact }
  /** The origin failed, and the stored answer may be served. */
  | { readonly kind: 'trouble'; readonly entry: Entry; readonly stored: StoredAnswer }

export interface ExchangeOptions {
  readonly store: Store
  readonly clock: Clock
  readonly origins: () => Promise<Origins>
  readonly flights: Flights
  /** Milliseconds. `retryFor`: the time for an origin if the client sets no limit. */
  readonly settings: { readonly staleIfError: number; readonly retryFor: number }
}

/** The request, and the stored answers that it can use. */
export interface Matter {
  readonly state: RequestState
  readonly asked: Asked
  /** The stored answer to validate. */
  readonly stale: Entry | undefined
  /** The stored beginning to complete. */
  readonly begun: Entry | undefined
}

/** An answer with the times of its request and its arrival; milliseconds since the epoch. */
interface Received {
  readonly answer: OriginAnswer
  readonly requestedAt: number
  readonly receivedAt: number
}

export class Exchange {
  readonly #o: ExchangeOptions
  readonly #closed = new AbortController()

  constructor(options: ExchangeOptions) {
    this.#o = options
  }

  close(reason: Error): void {
    this.#closed.abort(reason)
  }

  /** Throws KissError if the origin gives no answer and no stored answer may be served. */
  async ask(matter: Matter): Promise<Outcome> {
    const { asked, stale, begun } = matter
    const rest = begun?.answer && completing(begun.answer)
    const fields = stale?.answer
      ? validating(asked.fields, stale.answer)
      : rest
        ? { ...withoutConditions(asked.fields), ...rest }
        : asked.fields
    let received: Received
    try {
      received = await this.#send(matter, fields)
    } catch (error) {
      return this.#unreached(matter, error)
    }
    if (stale?.answer) return this.#validated(matter, stale, stale.answer, received)
    if (begun?.answer && rest) return this.#continued(matter, begun, begun.answer, received)
    return this.#take(matter, received)
  }

  async #send({ state, asked }: Matter, fields: Fields): Promise<Received> {
    const { subject, request, rule } = state
    const { clock, origins, settings } = this.#o
    const inform = request.wire?.inform
    const once = async (): Promise<Received> => {
      const requestedAt = clock.now()
      const answer = await (
        await origins()
      ).request({
        url: subject.url,
        provider: subject.provider,
        method: asked.method,
        headers: fields,
        clientCredential: subject.ownRight,
        signal: this.#closed.signal,
        headersTimeout: request.patience ?? settings.retryFor,
        client: request.client,
        lane: laneOf(rule),
        relay: { ...(inform && { inform }) },
      })
      return { answer, requestedAt, receivedAt: clock.now() }
    }
    try {
      return await once()
    } catch (error) {
      // RFC 9112 §9.3.1: an idempotent request may be sent once more where its connection was closed under it.
      if (!/^(ECONNRESET|UND_ERR_SOCKET|EPIPE)$/.test(systemCode(error) ?? '')) throw error
      return once()
    }
  }

  #unreached({ state, asked, stale }: Matter, error: unknown): Outcome {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason as Error
    if (stale?.answer && !(error instanceof KissError && error.code === 'origin-refused')) {
      const trouble = this.#inTrouble(asked, stale, stale.answer, 'unreachable')
      if (trouble) return trouble
    }
    throw error instanceof KissError ? error : unreachable(state.subject.shown, error)
  }

  #inTrouble(asked: Asked, entry: Entry, stored: StoredAnswer, trouble: Trouble): Outcome | undefined {
    const disconnected = this.#o.settings.staleIfError / 1000
    const serves = servesInTrouble({ asked, stored, trouble, now: this.#o.clock.now(), disconnected })
    return serves ? { kind: 'trouble', entry, stored } : undefined
  }

  /** RFC 9111 §4.3.3: handles the answer to a validation. */
  async #validated(matter: Matter, entry: Entry, stored: StoredAnswer, received: Received): Promise<Outcome> {
    const { asked } = matter
    const { answer } = received
    if (answer.status === 304) {
      await answer.discard()
      if (confirmsStored(stored, answer.headers)) return this.#renew(entry, stored, received)
      // §4.3.4: it confirms another answer. The whole is requested.
      return this.#take(matter, await this.#send(matter, withoutConditions(asked.fields)))
    }
    const trouble = this.#inTrouble(asked, entry, stored, { status: answer.status })
    if (trouble) {
      await answer.discard()
      return trouble
    }
    if (asked.method === 'HEAD') {
      // §4.3.5
      if (answer.status === 200 && headAgrees(stored, answer.headers)) await this.#renew(entry, stored, received)
      else if (answer.status < 500) await this.#o.store.remove(entry.id, entry.sha256)
      return this.#take(matter, received)
    }
    const outcome = await this.#take(matter, received)
    // §4.3.3: another answer replaces the stored one; a server error leaves it.
    if (outcome.kind === 'passing' && answer.status < 500) await this.#o.store.remove(entry.id, entry.sha256)
    return outcome
  }

  /** §4.3.4, §3.2: every field of the confirmation replaces the stored field. */
  async #renew(entry: Entry, stored: StoredAnswer, { answer, requestedAt, receivedAt }: Received): Promise<Outcome> {
    const { store, clock } = this.#o
    const fields = updatedFields(stored.fields, answer.headers)
    const renewed = described(entry, { ...stored, fields, requestedAt, receivedAt }, clock.now())
    if (await store.entries.renew(renewed)) await store.blobs.describe(renewed)
    return { kind: 'changed' }
  }

  /** §3.4: handles the answer to a request for the rest of a stored beginning. */
  async #continued(matter: Matter, begun: Entry, stored: StoredAnswer, received: Received): Promise<Outcome> {
    const { answer } = received
    const { store } = this.#o
    if (answer.status === 206 || answer.status === 416) {
      const blob = completes(stored, { status: answer.status, fields: answer.headers })
        ? await store.open(begun)
        : undefined
      if (blob) {
        const counted = (bytes: number): void => {
          for (const counter of countersOf(answer)) store.counters.add(counter, bytes)
        }
        return this.#take(matter, { ...received, answer: combined(blob, stored, answer, counted) })
      }
      await answer.discard()
      return this.#take(matter, await this.#send(matter, matter.asked.fields))
    }
    return this.#take(matter, received)
  }

  /** Handles a new answer: it is stored if that is allowed. */
  async #take({ state, asked }: Matter, received: Received): Promise<Outcome> {
    const { answer, requestedAt, receivedAt } = received
    const { status, headers } = answer
    const answered = { status, fields: headers }
    const names = varyNames(headers['vary']) ?? []
    // The values that Vary names are stored with the answer, and a credential never is.
    const isSecret = asked.unstorable || names.some((name) => asked.secret.includes(name))
    const why = isSecret ? 'credential' : whyNotStored({ asked, answer: answered, receivedAt })
    const length = lengthOf(headers)
    if (why !== undefined || (length ?? 0) > (state.rule?.maxSize ?? Infinity))
      return { kind: 'passing', artifact: passingAnswer(answer, { state, asked, length }, this.#o) }
    const stored: StoredAnswer = {
      status,
      // RFC 9110 §6.6.1: an answer without a Date gets the time of its arrival.
      fields: { date: new Date(receivedAt).toUTCString(), ...keptFields(headers) },
      requestedAt,
      receivedAt,
      vary: selecting(names, asked.fields),
      part: partOf(answered),
    }
    return { kind: 'growing', flight: this.#begin(state, asked, answer, stored), stored }
  }

  #begin(state: RequestState, asked: Asked, answer: OriginAnswer, stored: StoredAnswer): Flight {
    const { clock, flights, store } = this.#o
    const { subject, request, rule } = state
    const key = keyOf(subject.id)
    const resource = resourceOf(answer.url, subject.provider, store.layout.instance)
    const head = headOf(answer, { now: clock.now(), passedNames: [], resource, hop: answer.hop, signIn: false })
    const isWhole = stored.status === 200
    const order: Order = {
      ...subject,
      id: aloneIdOf(key, randomUUID()),
      headers: withoutConditions(asked.fields),
      access: subject.access === 'provider' ? 'provider' : 'public',
      credential: undefined,
      lifetime: 0,
      stale: undefined,
      promised: request.sha256,
      client: request.client,
      alone: false,
      keep: true,
      maxSize: rule?.maxSize,
      lane: laneOf(rule),
      relay: {},
      once: isWhole ? undefined : 'always',
      finish: (entry) => {
        const part = stored.part && withSize(stored.part, entry.size)
        if (stored.part && !part) return undefined
        return described({ ...entry, id: answerId(key, stored) }, { ...stored, part }, clock.now())
      },
    }
    return flights.begin(order, {
      answer,
      head: { ...head, length: stored.status === 204 ? 0 : head.length, ranges: head.ranges && isWhole },
    })
  }
}

/** The entry of a stored answer. @param now milliseconds */
function described(entry: Entry, answer: StoredAnswer, now: number): Entry {
  const left = freshFor(answer, now) * 1000
  return {
    ...entry,
    answer,
    headers: storedHeaders(answer.fields, now),
    validatedAt: answer.receivedAt,
    // After a clock was set back, the time at which it became stale may be before every date.
    staleAt: Math.max(0, Math.round(now + left)),
    lifetime: Math.round(lifetimeOf(answer, answer.receivedAt) * 1000),
  }
}
