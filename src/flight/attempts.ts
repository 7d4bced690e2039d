/** Downloads the body of one generation: it repeats attempts until the body is whole, the content changed, or the time is over. */

import { isCertificateError, KissError, systemCode } from '../errors.js'
import type { OriginAnswer } from '../upstream/types.js'
import type { Again, AttemptsOptions, BodyEnding, Step } from './attempt.js'
import { circumstancesOf, decisions, isMoved, MOVED, requestFor, VALIDATION_TIMEOUT } from './attempt.js'
import { toldBy, type Told } from './cluster.js'
import { inParallel } from './in-parallel.js'
import type { Seed } from './subject.js'
import { receive, type Reception } from './receive.js'
import { gaveUp, isQueue, reasonWith, refused, senderOf, understand, unreachable, wrongSum } from './refusals.js'
import { ask, confirmedAt, judge, lengthOf, wroteAll, type Ask, type Held } from './resume.js'
import { failed, grown, pause, postponed, started, timeLeft, type RetryState } from './retry.js'

/** Range requests in a row without a byte, after which the whole is requested: the origin may not support ranges. */
const FRUITLESS = 2
/** Milliseconds between two requests to a server whose queue is full or that is draining. */
const QUEUE_PAUSE = 1_000
/** Milliseconds: the minimum for the last attempt. */
const LAST_ATTEMPT = 1_000

export class Attempts {
  /** After `changed`: the answer with the new content, if there is one. */
  seed: Seed | undefined
  /** After `renewed`: when the origin confirmed the bytes, in milliseconds since the epoch; undefined: now. */
  confirmedAt: number | undefined
  /** After `whole`: a length, a chunked end or a HEAD says that every byte came. */
  delimited = true
  /** The description by the cluster node that sent the last bytes; undefined if another source sent them. */
  told: Told | undefined
  readonly #o: AttemptsOptions
  #retry: RetryState
  /** The answer to a range proved nothing, or ranges are refused: request the whole. */
  #distrust = false
  /** Range requests in a row without a byte. */
  #fruitless = 0
  #reauthorised = 0
  /** The total of a 206 for a body without a length. It detects a cut body; it is not announced to readers. */
  #total: number | undefined
  #attempts = 0
  readonly #startedAt: number
  /** Monotonic milliseconds: the start of the current attempt. */
  #askedAt: number

  constructor(options: AttemptsOptions) {
    this.#o = options
    this.#startedAt = options.collaborators.clock.monotonic()
    this.#askedAt = this.#startedAt
    this.#retry = started(this.#startedAt, options.landing.head !== undefined)
  }

  /** How the body ended: `whole`, `renewed` or `changed`. Throws KissError when it gives up, and the signal's reason. */
  async run(): Promise<BodyEnding> {
    const finished = this.#finished()
    if (finished) return finished
    let { seed } = this.#o
    for (;;) {
      this.#o.signal.throwIfAborted()
      const step = seed ? await this.#begin(seed) : await this.#attempt()
      seed = undefined
      if (step.kind !== 'again') return step
      if (this.#isFinal(step)) throw unreachable(this.#o.order.shown, step.cause ?? new Error(step.reason))
      if (!step.free) await this.#wait(step)
    }
  }

  #isFinal({ cause }: Again): boolean {
    const { order, landing } = this.#o
    if (order.once === 'first' && (landing.head !== undefined || isQueue(cause))) return false
    return order.once !== undefined
  }

  /** A predecessor wrote every byte already. Where that was long ago, the origin is asked whether they are still the right ones. */
  #finished(): BodyEnding | undefined {
    const { landing, left, order, collaborators } = this.#o
    const { sum, writtenAt = -Infinity } = left ?? {}
    if (writtenAt + order.lifetime <= collaborators.clock.now()) return undefined
    const { head, writer } = landing
    const [sha256, size] = [writer.digest(), writer.size]
    const wrote = wroteAll({ size, head }, sha256, sum)
    if (!wrote) return undefined
    this.delimited = wrote.delimited
    this.confirmedAt = writtenAt
    return { kind: 'whole', sha256, size }
  }

  async #attempt(): Promise<Step> {
    const { landing, order, collaborators } = this.#o
    const held: Held = { size: landing.writer.size, head: landing.head, stale: order.stale }
    const distrust = this.#distrust || this.#fruitless >= FRUITLESS
    const asked: Ask = distrust ? { kind: 'whole', headers: {} } : ask(held)
    this.#fruitless = asked.kind === 'rest' ? this.#fruitless + 1 : 0
    this.#attempts++
    let answer: OriginAnswer
    try {
      answer = await this.#request(asked, this.#timeoutOf(asked))
    } catch (error) {
      return this.#unanswered(error)
    }
    this.told = toldBy(answer)
    // Another node supports ranges.
    if (this.told) this.#fruitless = 0
    const verdict = judge(asked.kind, answer, held, circumstancesOf(answer, order, collaborators))
    this.#tell(decisions[verdict.kind])
    switch (verdict.kind) {
      case 'begin':
        return this.#begin({ answer, head: verdict.head })
      case 'append':
        this.#total = verdict.length
        await this.#confirm(answer)
        return this.#receive({ answer, position: landing.writer.size, rangeEnd: verdict.end })
      case 'compare':
        this.#distrust = false
        return this.#receive({ answer, position: 0, head: verdict.head })
      case 'changed':
        this.seed = { answer, head: verdict.head }
        return { kind: 'changed' }
      case 'complete':
        await answer.discard()
        await this.#confirm(answer)
        return this.#whole(true)
      case 'renewed':
        await answer.discard()
        this.confirmedAt = confirmedAt(answer, collaborators.clock.now())
        return { kind: 'renewed' }
      case 'distrust':
        await answer.discard()
        if (asked.kind === 'validate') return this.#askWhole('a 304 that confirms nothing')
        return this.#askWhole(
          `the answer ${answer.status} of ${senderOf(answer)} to a range does not continue the bytes on disk`,
        )
      case 'failure':
        return this.#refused(answer, asked.kind)
    }
  }

  /** Milliseconds until the headers. */
  #timeoutOf({ kind }: Ask): number {
    if (this.#onTrial()) return VALIDATION_TIMEOUT
    // A range without an answer must leave time for a request for the whole.
    return kind === 'rest' ? Math.max(this.#timeLeft() / 2, LAST_ATTEMPT) : this.#timeLeft()
  }

  /** Milliseconds. An origin that builds the artifact on demand may take as long as `--retry-for`. */
  #timeLeft(): number {
    const { clock, settings } = this.#o.collaborators
    return Math.max(timeLeft(this.#retry, clock.monotonic(), settings.retryFor), LAST_ATTEMPT)
  }

  /** Without a pause: the range request itself was the mistake. */
  #askWhole(reason: string): Step {
    this.#distrust = true
    return { kind: 'again', reason, free: true }
  }

  async #request(asked: Ask, timeout: number): Promise<OriginAnswer> {
    const { order, collaborators, signal, state, landing } = this.#o
    const { clock } = collaborators
    const asking = clock.monotonic()
    const origins = await collaborators.origins()
    return origins.request({
      ...requestFor(order, asked),
      signal,
      readers: () => state.readers,
      onQueue: (place) => state.waiting.queue(place),
      onStart: () => {
        // Time in the queue is not the origin's time.
        this.#retry = postponed(this.#retry, clock.monotonic() - asking)
        this.#askedAt = clock.monotonic()
        state.waiting.start()
      },
      headersTimeout: timeout,
      ...(landing.writer.size === 0 && { firstByteTimeout: this.#timeLeft() }),
    })
  }

  /** A stale entry can be served instead, so there is one attempt. */
  #onTrial(): boolean {
    return this.#o.order.stale !== undefined && this.#o.landing.head === undefined
  }

  async #begin({ answer, head }: Seed): Promise<Step> {
    this.told = toldBy(answer)
    await this.#o.landing.learn(head)
    return this.#receive({ answer, position: 0 })
  }

  /** The origin confirmed the bytes on disk. */
  async #confirm({ sha256 }: OriginAnswer): Promise<void> {
    const { landing } = this.#o
    const { head } = landing
    if (head) await landing.learn({ ...head, sha256: head.sha256 ?? sha256 })
    landing.show(landing.writer.size)
  }

  async #receive(what: Pick<Reception, 'answer' | 'position' | 'head' | 'rangeEnd'>): Promise<Step> {
    const { landing, order, collaborators, state, signal } = this.#o
    const { answer, position, rangeEnd } = what
    const { head, writer } = landing
    const end = rangeEnd ?? lengthOf(answer.headers)
    const isRest = head !== undefined && position === writer.size && end === head.length
    const received = await receive({
      ...what,
      answer: isRest ? inParallel(answer, { order, collaborators, state, head, position, signal }) : answer,
      landing,
      order,
      collaborators,
      signal,
      total: this.#total,
      onGrown: () => this.#grown(),
    })
    if (received.kind === 'whole') return this.#whole(received.delimited)
    if (received.kind === 'changed') return received
    const { reason, cause } = received
    if (isMoved(cause)) return MOVED
    // An origin may send less than the range that was asked for. What it announced has come, so nothing failed.
    const isCapped = rangeEnd === writer.size
    return { kind: 'again', reason: reason ?? reasonWith(cause, answer.sender), cause, free: isCapped }
  }

  #tell(decision: string | undefined): void {
    if (decision !== undefined) this.#o.collaborators.trace?.(`* ${this.#o.order.shown}: ${decision}`)
  }

  #grown(): void {
    this.#retry = grown(this.#o.collaborators.clock.monotonic())
    this.#reauthorised = 0
    this.#fruitless = 0
    this.#o.state.waiting.arrived()
  }

  #whole(delimited: boolean): Step {
    const { order, landing } = this.#o
    const { head, writer } = landing
    if (!head) throw new KissError('internal', 'a body without a head')
    const sha256 = writer.digest()
    if ((head.sha256 ?? sha256) !== sha256) throw wrongSum(order.shown, sha256, `${head.sha256} as was promised`)
    const told = this.told?.sum() ?? sha256
    if (told !== sha256) throw wrongSum(order.shown, sha256, `${told} as the node that sent it says`)
    this.delimited = delimited
    return { kind: 'whole', sha256, size: writer.size }
  }

  #unanswered(error: unknown): Step {
    this.#o.signal.throwIfAborted()
    if (isMoved(error)) {
      this.#fruitless = 0
      return MOVED
    }
    if (error instanceof KissError) throw error
    if (isCertificateError(error) || this.#onTrial()) throw unreachable(this.#o.order.shown, error)
    return { kind: 'again', reason: reasonWith(error), cause: error }
  }

  /** An answer whose status brings no artifact. */
  async #refused(answer: OriginAnswer, asked: Ask['kind']): Promise<Step> {
    const { order, collaborators } = this.#o
    const refusal = await understand(answer, order.provider, collaborators.clock.now())
    const { reason, meaning, retryAfter, binding } = refusal
    if (meaning === 'reauthorise' && this.#reauthorised++ < 2)
      return { kind: 'again', reason: 'a new credential', free: true }
    if (meaning === 'retry' && !this.#onTrial()) return { kind: 'again', reason, after: retryAfter, binding }
    if (asked === 'rest') return this.#askWhole(reason)
    throw refused(order.shown, refusal)
  }

  async #wait({ reason, cause, after, binding }: Again): Promise<void> {
    const { collaborators, order, signal, state } = this.#o
    const { clock, random, settings } = collaborators
    const now = clock.monotonic()
    if (isQueue(cause)) {
      state.waiting.failed(reason, clock.now() + QUEUE_PAUSE)
      await clock.sleep(QUEUE_PAUSE, signal)
      // Time in a queue does not count for `retryFor`.
      this.#retry = postponed(this.#retry, clock.monotonic() - this.#askedAt)
      return
    }
    this.#retry = failed(this.#retry, systemCode(cause))
    const wait = pause(this.#retry, { now, retryAfter: after, binding, random: random(), retryFor: settings.retryFor })
    if (wait === undefined) {
      const elapsed = now - this.#startedAt
      throw gaveUp(order.shown, { reason, cause, attempts: this.#attempts, elapsed, retryAfter: after })
    }
    state.waiting.failed(reason, clock.now() + wait)
    this.#tell(`retry ${this.#attempts} in ${Math.round(wait / 100) / 10} s: ${reason}`)
    await clock.sleep(wait, signal)
  }
}
