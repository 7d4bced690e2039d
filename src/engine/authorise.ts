/** Proves a client's right to a private artifact: the origin is asked with the client's own credential (cache rule 9). */

import { asKissError, KissError } from '../errors.js'
import type { StoredHeaders } from '../http/stored.js'
import { isStrong, strongEqual } from '../http/validation.js'
import type { OriginAnswer } from '../upstream/types.js'
import { VALIDATION_TIMEOUT } from '../flight/attempts.js'
import { refused, understand, unreachable } from '../flight/refusals.js'
import { isConfirmed } from '../flight/resume.js'
import type { Services } from './services.js'
import { resourceOf, type Subject } from '../flight/subject.js'

/** Milliseconds for a question, by HEAD and by GET: somebody waits for the answer. */
const PROBE_TIMEOUT = 10_000

/** How often a provider that learned from a refusal (a region, an expired session) is asked for another credential. */
const NEW_CREDENTIALS = 2

export type Right =
  /** From memory: the origin accepted this credential for this content a moment ago. */
  | 'remembered'
  /** The origin confirmed the content just now. */
  | 'confirmed'
  /** The origin gives this client something else, or nothing proves that it is the same. */
  | 'other'

export interface ProveOptions {
  /** Ask although a right is remembered: to validate what is stale, in the time that rule 2 of the cache gives. */
  readonly fresh?: boolean
  /** Ask although the origin refused this credential a moment ago. */
  readonly insists?: boolean | undefined
}

/**
 * Asks the origin for this content, without its body. Throws what the origin says, now or a moment ago (rule 8 of the
 * cache): `origin-refused` with its status, `origin-unreachable`, …
 */
export async function prove(
  subject: Subject,
  content: ProvableContent | undefined,
  { credentials, failures, probes, ...rest }: Services,
  signal: AbortSignal,
  { fresh = false, insists = false }: ProveOptions = {},
): Promise<Right> {
  const etag = content?.headers.etag
  if (content === undefined || !isStrong(etag)) return 'other'
  const { id, credential } = subject
  if (!fresh && credentials.accepted(credential, id, etag)) return 'remembered'
  const recent = insists ? undefined : failures.recent(id, credential)
  if (recent) throw recent
  return probes.join(subject, etag, signal, async (stop) => {
    try {
      const timeout = fresh ? VALIDATION_TIMEOUT : PROBE_TIMEOUT
      const right = await inquire(subject, content, { ...rest, timeout }, stop)
      if (right === 'confirmed') credentials.accept(credential, id, etag)
      return right
    } catch (error) {
      failures.note(subject, asKissError(error))
      throw error
    }
  })
}

/** A content with the resource that its validators belong to. */
export interface ProvableContent {
  readonly headers: StoredHeaders
  readonly resource?: string | undefined
}

interface Asking extends Pick<Services, 'origins' | 'clock' | 'store'> {
  /** Milliseconds. */
  readonly timeout: number
}

async function inquire(
  subject: Subject,
  content: ProvableContent,
  services: Asking,
  signal: AbortSignal,
): Promise<Right> {
  const { clock, store } = services
  const etag = content.headers.etag ?? ''
  for (let left = NEW_CREDENTIALS; ; left--) {
    const answer = await probe(subject, etag, services, signal)
    if (answer.status === 304 || answer.status === 200) {
      await answer.discard()
      const resource = resourceOf(answer.url, store.layout.instance)
      const named = answer.headers.etag ?? (answer.status === 304 ? etag : undefined)
      const same = isConfirmed(content, answer, { now: clock.now(), resource, hop: answer.hop })
      return same && strongEqual(named, etag) ? 'confirmed' : 'other'
    }
    const refusal = await understand(answer, subject.provider, services.clock.now())
    if (refusal.meaning !== 'reauthorise' || left === 0) throw refused(subject.shown, refusal)
  }
}

async function probe(subject: Subject, etag: string, services: Asking, signal: AbortSignal): Promise<OriginAnswer> {
  const { timeout } = services
  const origins = await services.origins()
  const send = async (method: 'GET' | 'HEAD', headersTimeout: number): Promise<OriginAnswer> => {
    try {
      return await origins.request({
        url: subject.url,
        provider: subject.provider,
        method,
        headers: { ...subject.headers, 'if-none-match': etag },
        clientCredential: subject.ownRight,
        signal,
        headersTimeout,
      })
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof KissError ? error : unreachable(subject.shown, error)
    }
  }
  // A signature covers the method: what was signed for GET is asked with GET, and its body not read.
  if (subject.provider.carriesCredential?.(subject.url)) return send('GET', timeout)
  const answer = await send('HEAD', timeout / 2).catch((error: unknown) => {
    if (!isSilence(error)) throw error
    return undefined
  })
  if (answer && !refusesHead(answer)) return answer
  await answer?.discard()
  return send('GET', timeout / 2)
}

/** Some origins answer HEAD by hanging up, or not at all. */
function isSilence(error: unknown): boolean {
  return error instanceof KissError && (error.code === 'origin-unreachable' || error.code === 'origin-timeout')
}

/** The answer says nothing about the client's right: RFC 9110 §15.5.6, §15.6.2, or a redirect to a URL signed for GET. */
function refusesHead({ status, hop }: OriginAnswer): boolean {
  return status === 405 || status === 501 || (status === 403 && hop > 0)
}
