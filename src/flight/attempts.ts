/** Downloads one generation's body: attempt after attempt, until it is whole, another content, or given up. */

import { asKissError, KissError, systemCode } from '../errors.js'
import { isSelecting } from '../http/passed-headers.js'
import { isSignInPage } from '../http/sign-in.js'
import type { BodyWriter } from './writer.js'
import type { Head, Sum } from './directory.js'
import type { OriginAnswer } from '../upstream/types.js'
import { lengthByHead } from './length.js'
import type { Order, Seed } from './order.js'
import {
  gaveUp,
  isCertificateError,
  isDiskError,
  isTimeout,
  reasonOf,
  refused,
  understand,
  unreachable,
} from './refusals.js'
import { ask, judge, mergeHeads, type Ask, type Held } from './resume.js'
import { failed, grown, pause, postponed, started, timeLeft, type RetryState } from './retry.js'
import type { Collaborators } from './collaborators.js'
import { resourceOf } from './subject.js'
import type { Waiting } from './waiting.js'

/** Ranges in a row that brought no byte, until the whole is asked for: perhaps the ranges are what fails. */
const FRUITLESS = 2
/** Milliseconds that the last attempt gets, however little time is left. */
const LAST_ATTEMPT = 1_000

/** Milliseconds: with a stale entry at hand the origin gets one attempt of this length (rule 2 of the cache). */
export const VALIDATION_TIMEOUT = 5_000

export interface DownloadOptions {
  readonly order: Order
  readonly services: Collaborators
  readonly writer: BodyWriter
  /** What a predecessor knew. */
  readonly head: Head | undefined
  /** What a predecessor had summed up when it was interrupted. */
  readonly sum: Sum | undefined
  /** An answer that is already there: the one that showed that the content had changed. */
  readonly seed: Seed | undefined
  readonly signal: AbortSignal
  /** The origin confirmed what is held, or began anew: the head may be shown. */
  readonly onHead: (head: Head) => Promise<void>
  /** This many bytes are on disk and of this content. */
  readonly onConfirmed: (size: number) => void
  readonly waiting: Waiting
  /** How many clients read here. */
  readonly readers: () => number
}

export type Result =
  | { readonly kind: 'whole'; readonly head: Head; readonly delimited: boolean }
  | { readonly kind: 'renewed' }
  /** `seed` where the new content is already on its way. */
  | { readonly kind: 'changed'; readonly seed: Seed | undefined }

type Step =
  | Result
  | {
      readonly kind: 'again'
      readonly reason: string
      readonly after?: number | undefined
      readonly binding?: boolean
      readonly free?: boolean
    }

/** The next attempt waits for a place. */
const YIELDED: Step = { kind: 'again', reason: 'another download had its place', free: true }

function isYielded(error: unknown): boolean {
  return systemCode(error) === 'ERR_YIELDED'
}

/** Throws KissError when it gives up, and the signal's reason when aborted. */
export class BodyDownload {
  readonly #o: DownloadOptions
  #head: Head | undefined
  #retry: RetryState
  /** The answer to a range proved nothing, or ranges are refused: ask for the whole. */
  #distrust = false
  /** The origin answered and then sent no byte in time: perhaps it makes the artifact only now. */
  #slowToBegin = false
  /** Ranges in a row that brought no byte. */
  #fruitless = 0
  #reauthorised = 0
  /** What a 206 said of a body without a length: enough to see that it is cut, not to promise it to readers. */
  #total: number | undefined
  /** The byte after the last that the Content-Range of the answer at hand announces. */
  #rangeEnd: number | undefined
  #attempts = 0
  readonly #startedAt: number

  constructor(options: DownloadOptions) {
    this.#o = options
    this.#head = options.head
    this.#startedAt = options.services.clock.monotonic()
    this.#retry = started(this.#startedAt, options.head !== undefined)
  }

  async run(): Promise<Result> {
    const finished = this.#finished()
    if (finished) return finished
    let seed = this.#o.seed
    for (;;) {
      this.#o.signal.throwIfAborted()
      const step = seed ? await this.#begin(seed) : await this.#attempt()
      seed = undefined
      if (step.kind !== 'again') return step
      if (!step.free) await this.#wait(step.reason, step.after, step.binding)
    }
  }

  /** A predecessor had every byte already. */
  #finished(): Result | undefined {
    const { writer, head, sum } = this.#o
    if (!head || (head.sha256 ?? writer.digest()) !== writer.digest()) return undefined
    if (sum?.size === writer.size && sum.sha256 === writer.digest())
      return { kind: 'whole', head, delimited: sum.delimited }
    return head.length === writer.size && writer.size > 0 ? { kind: 'whole', head, delimited: true } : undefined
  }

  async #attempt(): Promise<Step> {
    const held = this.#held()
    const distrust = this.#distrust || this.#fruitless >= FRUITLESS
    const asked: Ask = distrust ? { kind: 'whole', headers: {} } : ask(held)
    this.#fruitless = asked.kind === 'rest' ? this.#fruitless + 1 : 0
    this.#attempts++
    this.#rangeEnd = undefined
    let answer: OriginAnswer
    try {
      answer = await this.#request(asked, this.#timeoutOf(asked))
    } catch (error) {
      return this.#unanswered(error)
    }
    const verdict = judge(asked.kind, answer, held, {
      now: this.#o.services.clock.now(),
      // Those that select are part of the key: it does not matter that the answer depends on them.
      passedNames: Object.keys(this.#o.order.headers).filter((name) => !isSelecting(name)),
      resource: resourceOf(answer.url, this.#o.order.provider, this.#o.services.store.layout.instance),
      hop: answer.hop,
      signIn: isSignInPage({ asked: this.#o.order.url, url: answer.url, hop: answer.hop, headers: answer.headers }),
    })
    switch (verdict.kind) {
      case 'begin':
        return this.#begin({ answer, head: verdict.head })
      case 'append':
        this.#total = verdict.length
        this.#rangeEnd = verdict.end
        await this.#confirm()
        return this.#receive(answer, this.#o.writer.size)
      case 'compare':
        this.#distrust = false
        return this.#receive(answer, 0, verdict.head)
      case 'changed':
        return { kind: 'changed', seed: { answer, head: verdict.head } }
      case 'complete':
        await answer.discard()
        await this.#confirm()
        return this.#whole(true)
      case 'renewed':
        await answer.discard()
        return { kind: 'renewed' }
      case 'distrust':
        await answer.discard()
        if (asked.kind === 'validate') return this.#askWhole('a 304 that confirms nothing')
        return this.#askWhole(`the origin's answer ${answer.status} to a range does not continue what is here`)
      case 'failure':
        return this.#refused(answer, asked.kind)
    }
  }

  /** Milliseconds: an origin that makes the artifact on demand may take as long as readers wait for a byte. */
  #timeoutOf({ kind }: Ask): number {
    if (this.#onTrial()) return VALIDATION_TIMEOUT
    const { clock, settings } = this.#o.services
    const left = timeLeft(this.#retry, clock.monotonic(), settings.retryFor)
    // A range that is not answered leaves time for the whole.
    return Math.max(kind === 'rest' ? left / 2 : left, LAST_ATTEMPT)
  }

  /** At once: asking for a range was the mistake. */
  #askWhole(reason: string): Step {
    this.#distrust = true
    return { kind: 'again', reason, free: true }
  }

  async #request(asked: Ask, timeout: number): Promise<OriginAnswer> {
    const { order, services, signal, waiting } = this.#o
    const { clock } = services
    const origins = await services.origins()
    const asking = clock.monotonic()
    return origins.request({
      url: order.url,
      provider: order.provider,
      method: 'GET',
      headers: { ...order.headers, ...asked.headers },
      clientCredential: order.ownRight,
      signal,
      mirror: asked.mirror,
      client: order.client,
      readers: this.#o.readers,
      onQueue: (place) => waiting.queue(place),
      onStart: () => {
        // Time in the queue is not the origin's time.
        this.#retry = postponed(this.#retry, clock.monotonic() - asking)
        waiting.start()
      },
      headersTimeout: timeout,
      ...(this.#slowToBegin && { firstByteTimeout: timeout }),
    })
  }

  /** A stale entry can be served instead: one attempt. */
  #onTrial(): boolean {
    return this.#o.order.stale !== undefined && this.#head === undefined
  }

  #held(): Held {
    return { size: this.#o.writer.size, head: this.#head, stale: this.#o.order.stale }
  }

  async #begin({ answer, head }: Seed): Promise<Step> {
    await this.#publish(head)
    return this.#receive(answer, 0)
  }

  async #publish(head: Head): Promise<void> {
    this.#head = head
    await this.#o.onHead(head)
  }

  async #confirm(): Promise<void> {
    if (this.#head) await this.#publish(this.#head)
    this.#o.onConfirmed(this.#o.writer.size)
  }

  /**
   * Reads the body; what stands at `position` already is compared, what is beyond it appended. What `head` says of the
   * body is believed of our bytes when all of them have been compared, and not before: a validator that came with the
   * first of them says nothing of the others.
   */
  async #receive(answer: OriginAnswer, position: number, head?: Head): Promise<Step> {
    const { writer, services, signal } = this.#o
    const held = writer.size
    let at = position
    const learn = async (): Promise<void> => {
      if (!head || at < held) return
      await this.#publish(mergeHeads(this.#head, head))
      head = undefined
    }
    try {
      await learn()
      for await (const chunk of answer.body) {
        if (answer.local !== true) services.store.counters.add('downloaded', chunk.length)
        const known = Math.min(chunk.length, Math.max(0, writer.size - at))
        if (known > 0 && !(await writer.holds(chunk.subarray(0, known), at)))
          return { kind: 'changed', seed: undefined }
        at += known
        if (known > 0) this.#o.onConfirmed(at)
        await learn()
        if (known < chunk.length) await this.#append(known === 0 ? chunk : chunk.subarray(known))
        at += chunk.length - known
      }
    } catch (error) {
      signal.throwIfAborted()
      await writer.flush()
      return this.#cut(error, at > position)
    } finally {
      await answer.discard()
    }
    await writer.flush()
    return this.#ended(answer, at)
  }

  /** The body came to its end at byte `at`, as far as the connection tells. */
  async #ended({ headers }: OriginAnswer, at: number): Promise<Step> {
    const { order, services, signal, writer } = this.#o
    const length = this.#head?.length ?? this.#total
    if (length !== undefined && at < length) return this.#again(`the origin ended the body at byte ${at} of ${length}`)
    const delimited = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
    if (at < writer.size)
      return delimited
        ? { kind: 'changed', seed: undefined }
        : this.#again(`the origin closed the connection at byte ${at}`)
    if (length !== undefined || delimited) return this.#whole(true)
    // It ended with the connection, as a cut one would (RFC 9112 §8).
    const digest = writer.digest()
    if (digest === order.promised || digest === this.#head?.sha256) return this.#whole(true)
    const known = await lengthByHead(order, this.#head, services, signal)
    return known !== undefined && known > at
      ? this.#again(`the origin closed the connection at byte ${at} of ${known}`)
      : this.#whole(known === at)
  }

  async #append(chunk: Buffer): Promise<void> {
    const { writer, services } = this.#o
    const end = this.#rangeEnd ?? this.#head?.length ?? this.#total
    if (end !== undefined && writer.size + chunk.length > end)
      throw new KissError(
        'length-mismatch',
        `cannot fetch ${this.#o.order.shown}: the origin sent more than the ${end} bytes that it announced`,
      )
    await writer.append(chunk)
    this.#retry = grown(services.clock.monotonic())
    this.#reauthorised = 0
    this.#fruitless = 0
    this.#o.waiting.arrived()
  }

  #whole(delimited: boolean): Step {
    if (!this.#head) throw new KissError('internal', 'a body without a head')
    const { sha256 } = this.#head
    if (sha256 !== undefined && sha256 !== this.#o.writer.digest()) throw this.#damaged(sha256)
    return { kind: 'whole', head: this.#head, delimited }
  }

  /** The origin gives another sum for the content than what it sent has. */
  #damaged(sha256: string): KissError {
    const { order, writer } = this.#o
    const message = `cannot fetch ${order.shown}: the SHA-256 of the content is ${writer.digest()}, not ${sha256} as the origin says`
    return new KissError('digest-mismatch', message, { status: 502 })
  }

  #cut(error: unknown, begun: boolean): Step {
    if (!begun && isTimeout(error)) this.#slowToBegin = true
    if (isYielded(error)) return YIELDED
    if (error instanceof KissError) throw error
    if (isDiskError(error)) throw asKissError(error, 'disk', `cannot store ${this.#o.order.shown}`)
    return this.#again(reasonOf(error), undefined, error)
  }

  #unanswered(error: unknown): Step {
    this.#o.signal.throwIfAborted()
    if (isYielded(error)) return YIELDED
    if (error instanceof KissError) throw error
    if (isCertificateError(error) || this.#onTrial()) throw unreachable(this.#o.order.shown, error)
    return this.#again(reasonOf(error), undefined, error)
  }

  /** A status that is not the artifact. */
  async #refused(answer: OriginAnswer, asked: Ask['kind']): Promise<Step> {
    const { order, services } = this.#o
    const refusal = await understand(answer, order.provider, services.clock.now())
    if (refusal.meaning === 'reauthorise' && this.#reauthorised++ < 2)
      return { kind: 'again', reason: 'a new credential', free: true }
    if (refusal.meaning === 'retry' && !this.#onTrial()) {
      const { reason, retryAfter, binding } = refusal
      return { kind: 'again', reason, after: retryAfter, binding }
    }
    if (asked === 'rest') return this.#askWhole(refusal.reason)
    throw refused(order.shown, refusal)
  }

  #again(reason: string, after?: number, cause?: unknown): Step {
    this.#lastCause = cause
    return { kind: 'again', reason, after }
  }

  #lastCause: unknown

  async #wait(reason: string, after: number | undefined, binding?: boolean): Promise<void> {
    const { services, order, signal } = this.#o
    const now = services.clock.monotonic()
    this.#retry = failed(this.#retry, systemCode(this.#lastCause))
    const wait = pause(this.#retry, {
      now,
      retryAfter: after,
      binding,
      random: services.random(),
      retryFor: services.settings.retryFor,
    })
    if (wait === undefined) {
      const elapsed = now - this.#startedAt
      throw gaveUp(order.shown, {
        reason,
        cause: this.#lastCause,
        attempts: this.#attempts,
        elapsed,
        retryAfter: after,
      })
    }
    this.#o.waiting.failed(reason)
    await services.clock.sleep(wait, signal)
  }
}
