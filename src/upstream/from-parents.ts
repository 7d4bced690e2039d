/**
 * The parents of a URL as a source. If no parent has an answer, the next source is asked, except with `--parent-only`. A refusal
 * (4xx) that a parent passes on is that of the origin. The servers of `kiss fetch --server` are parents too (`asCache`).
 */
import { Readable } from 'node:stream'
import { isCertificateError, KissError } from '../errors.js'
import { namesKiss } from '../http/cache-status.js'
import { parseReprDigest } from '../http/digest.js'
import { isConfidential } from '../http/endpoint.js'
import { parseProblem, problemError } from '../http/problem.js'
import { drain, type Received } from './answer.js'
import { Declined, NoAnswer } from './declined.js'
import { joined, withoutCredentials } from './headers.js'
import type { Health } from './health.js'
import type { Network } from './network.js'
import {
  bringsCredential,
  callOf,
  PARENT,
  parentsOf,
  parseParents,
  refuseOpenTokens,
  resourceAtParents,
  wouldLend,
  type ParentPlace,
  type ParentRule,
} from './parents.js'
import type { OriginAnswer, OriginRequest, Parents, Source, Turn } from './types.js'
import { begun, type Ways, within } from './ways.js'
import { checkCircle, firstHop, nextHop, redirects, shown } from './redirects.js'

/**
 * Milliseconds until the first byte of the body, if another source can be asked instead: a parent may have to ask its own parent
 * or a slow origin first.
 */
const TIMEOUT = 20_000
/** Seconds in the queue of a server until it reports the place, if no other source can be asked instead. */
const QUEUE_WAIT = 2
/** Bytes of a refusal that are read. */
const PROBLEM = 64 * 1024
/** Characters of Cache-Status that are passed on. */
const CACHE_STATUS = 1024
/** Statuses that answer the request: the artifact, a part of it, or the result for the validators or the range. */
const ANSWERS: ReadonlySet<number> = new Set([200, 206, 304, 412, 416])
/** Statuses with bytes of the artifact. */
const BODIES: ReadonlySet<number> = new Set([200, 206])
/** Refusals that concern this moment only. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429])
/** Refusals that a missing credential of the parent may cause. */
const DENIALS: ReadonlySet<number> = new Set([401, 403, 404])
/** Codes of refusals by the origin; all others are by the parent. */
const OF_ORIGIN: ReadonlySet<string | undefined> = new Set([undefined, 'origin-refused', 'not-found'])

export interface FromParentsOptions {
  readonly ways: Ways
  /** Connects without the proxies of the environment, because a parent belongs to the operator. */
  readonly network: Network
  readonly health: Health
  readonly parents: Parents
}

export class FromParents implements Source {
  readonly #o: FromParentsOptions
  readonly #only: boolean
  #rules: readonly ParentRule[] = []
  #token: string | undefined

  /** Throws KissError `usage` for parents that cannot be read, `configuration` for a token that would be sent openly. */
  constructor(options: FromParentsOptions) {
    this.#o = options
    this.#only = options.parents.only === true || options.parents.asCache === true
    this.update(options.parents)
  }

  /** Throws as the constructor does; then nothing has changed. */
  update({ of, token }: Parents): void {
    const rules = parseParents(of)
    refuseOpenTokens(rules, token)
    this.#rules = rules
    this.#token = token
  }

  /** A parent answers in its own form, so it cannot stand for an origin under `freshness: origin`. */
  #asideFor({ url }: OriginRequest): undefined {
    if (!this.#only) return undefined
    throw new KissError(
      'upstream-forbidden',
      `${shown(url)}: its rule asks the origin, and the settings ask parents only`,
    )
  }

  async ask(request: OriginRequest, turn: Turn): Promise<OriginAnswer | undefined> {
    const places = parentsOf(this.#rules, request.url)
    if (places.length === 0) return undefined
    if (request.relay) return this.#asideFor(request)
    // Only the source of the validators can confirm the held bytes: here that is the origin or a mirror.
    const asksOthers = request.source !== PARENT && holdsValidators(request)
    if (asksOthers && !this.#only) return undefined
    const share = Math.min(TIMEOUT, request.headersTimeout / (places.length + 1))
    let failure: unknown
    const inOrder = this.#inOrder(places)
    for (const place of inOrder) {
      const isLast = this.#only && place === inOrder.at(-1)
      const got = await this.#askOne(request, turn, place, isLast ? undefined : share)
      if ('answer' in got) return got.answer
      if (this.#weightOf(got.failure) >= this.#weightOf(failure)) failure = got.failure ?? failure
    }
    if (this.#only) throw failure
    return undefined
  }

  /**
   * The refusal of one parent is reported rather than the silence of another. A server of the command line that cannot be
   * trusted ends the request, also where another one is down.
   */
  #weightOf(failure: unknown): number {
    if (isAnswer(failure)) return 2
    return this.#o.parents.asCache === true && isCertificateError(failure) ? 1 : 0
  }

  /** @param timeout milliseconds until the first byte; undefined: no other source can be asked instead */
  async #askOne(
    request: OriginRequest,
    turn: Turn,
    place: ParentPlace,
    timeout: number | undefined,
  ): Promise<{ readonly answer: OriginAnswer } | { readonly failure: unknown }> {
    const { ways, health } = this.#o
    const { name } = place
    if (bringsCredential(request) && !isConfidential(place.url)) {
      return { failure: new KissError('upstream-forbidden', `a credential would go to the parent ${name} unencrypted`) }
    }
    if (!this.#only && !health.admits(place)) return { failure: undefined }
    await turn.begin()
    let received: Received
    try {
      received = await within(timeout ?? request.headersTimeout, request.signal, async (signal) => {
        const answer = await this.#follow(request, place, signal, timeout)
        if (timeout !== undefined && BODIES.has(answer.status)) await begun(answer.body)
        return answer
      })
    } catch (error) {
      request.signal.throwIfAborted()
      health.failed(place, error)
      return { failure: isAnswer(error) ? error : new NoAnswer(this.#senderOf(place), error) }
    }
    if (namesKiss(received.cacheStatus)) health.answered(place)
    const { status } = received
    const isConditional = status === 412 || status === 416
    if (ANSWERS.has(status) && (!isConditional || holdsValidators(request)))
      return { answer: ways.finish(received, request, turn) }
    const text = await excerptOf(received.body)
    const problem = problemError(name, status, text)
    if (
      status < 400 ||
      status >= 500 ||
      PASSING.has(status) ||
      (!this.#only && DENIALS.has(status) && wouldLend(request))
    ) {
      return { failure: status === 508 ? problem : this.#declined(name, text, problem) }
    }
    if (this.#o.parents.asCache === true || !OF_ORIGIN.has(parseProblem(text).code)) throw problem
    const body = Readable.from([Buffer.from(text)], { objectMode: false })
    return { answer: ways.finish({ ...received, body }, request, turn) }
  }

  /**
   * Throws Declined for the answer of another web server: at a wrong address, of a portal that intercepts connections, or of a
   * proxy in front of the parent.
   */
  #recognise({ status, cacheStatus, body }: Received, place: ParentPlace): void {
    if (status >= 500 || PASSING.has(status) || namesKiss(cacheStatus)) return
    drain(body)
    this.#o.health.mistaken(place, `status ${status} without kiss in Cache-Status`)
    const message = `does not answer as a kiss server: status ${status}`
    const problem = new KissError('origin-failed', `${place.name} ${message}`)
    throw new Declined(`${this.#senderOf(place)} ${message}`, problem)
  }

  /** A transient failure of the parent: a retry may succeed. */
  #declined(name: string, text: string, problem: KissError): Declined {
    const { detail = `it answered ${problem.status}` } = parseProblem(text)
    const inOwnWords = this.#o.parents.asCache === true
    return new Declined(inOwnWords ? problem.message : `the parent ${name} cannot give it: ${detail}`, problem)
  }

  /** Displayable. */
  #senderOf({ name }: ParentPlace): string {
    return `the ${this.#o.parents.asCache === true ? 'server' : 'parent'} ${name}`
  }

  /** If parents only may be asked, one that is down is asked after the others. */
  #inOrder(places: readonly ParentPlace[]): readonly ParentPlace[] {
    if (!this.#only || places.length === 1) return places
    const up = places.filter((place) => this.#o.health.admits(place))
    return [...up, ...places.filter((place) => !up.includes(place))]
  }

  /** Under `freshness: origin` a parent passes redirects on: it gets the request for the next URL, too. */
  async #follow(
    request: OriginRequest,
    place: ParentPlace,
    signal: AbortSignal,
    timeout: number | undefined,
  ): Promise<Received> {
    const visited: string[] = []
    for (let asked = request; ;) {
      const answer = await this.#send(asked, place, signal, timeout)
      this.#recognise(answer, place)
      const { location } = answer.headers
      if (!redirects(answer.status, location)) return { ...answer, url: resourceAtParents(request) }
      drain(answer.body)
      visited.push(asked.url.href)
      const next = nextHop(firstHop(asked.url, asked.headers), location)
      checkCircle(visited, next.url)
      asked = { ...asked, ...next }
    }
  }

  async #send(
    request: OriginRequest,
    place: ParentPlace,
    signal: AbortSignal,
    timeout: number | undefined,
  ): Promise<Received> {
    const { network } = this.#o
    // A parent with a full queue is not down: it reports the queue before the timeout.
    const queueWait = this.#only || timeout === undefined ? QUEUE_WAIT : Math.floor(timeout / 2000)
    const call = callOf(request, place, { token: this.#token, queueWait })
    const response = await network.send({ ...call, method: request.method, signal })
    const headers = joined(response.headers)
    const age = Number(headers['age'] ?? 0)
    const cacheStatus = headers['cache-status']
    return {
      url: resourceAtParents(request),
      hop: 0,
      status: response.statusCode,
      headers,
      body: response.body,
      kind: 'parent',
      source: PARENT,
      sender: this.#senderOf(place),
      sha256: parseReprDigest(headers['repr-digest']),
      ...(age > 0 && { age: age * 1000 }),
      ...(cacheStatus !== undefined && { cacheStatus: cacheStatus.slice(0, CACHE_STATUS) }),
    }
  }
}

function isAnswer(failure: unknown): boolean {
  return failure instanceof Declined || failure instanceof KissError
}

function holdsValidators({ headers }: OriginRequest): boolean {
  const own = withoutCredentials(headers)
  return ['range', 'if-range', 'if-none-match', 'if-modified-since'].some((name) => own[name] !== undefined)
}

async function excerptOf(body: Readable): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  const timer = setTimeout(() => body.destroy(), 5000)
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      parts.push(part)
      bytes += part.length
      if (bytes >= PROBLEM) break
    }
  } catch {
    // A page that is cut short is read as far as it came.
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(parts).subarray(0, PROBLEM).toString()
}
