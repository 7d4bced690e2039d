/** The probe: a request with a client's credential whose body is not read. */

import { KissError } from '../errors.js'
import { resourceOf, type Subject } from '../flight/subject.js'
import { refused, understand, unreachable } from '../flight/refusals.js'
import type { OriginAnswer, Origins } from '../upstream/types.js'

/** Maximum requests after a provider learned a new credential from a refusal (a region, an expired session). */
const NEW_CREDENTIALS = 2

export interface Probe {
  readonly subject: Subject
  /** A strong entity tag to validate; undefined: request the current tag. */
  readonly etag: string | undefined
  /** The source that gave the tag; undefined: the origin. */
  readonly source?: string | undefined
  /** Milliseconds, for HEAD and GET together. */
  readonly timeout: number
  readonly signal: AbortSignal
}

export interface Prober {
  /** The network is loaded when it is first needed. */
  readonly origins: () => Promise<Origins>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Of the hashes of final URLs. */
  readonly resourceKey: string
}

/** The content that the origin gives to this client. */
export interface Probed {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Identifies the final URL. */
  readonly resource: string
  /** Redirects that led there. */
  readonly hop: number
}

/** Throws the refusal of the origin: `origin-refused` with its status, `origin-unreachable`, … */
export async function probe(question: Probe, prober: Prober): Promise<Probed> {
  const { subject } = question
  for (let left = NEW_CREDENTIALS; ; left--) {
    const answer = await send(question, prober)
    if (isAcceptance(answer)) {
      await answer.discard()
      const { status, headers, hop } = answer
      return { status, headers, hop, resource: resourceOf(answer.url, subject.provider, prober.resourceKey) }
    }
    const refusal = await understand(answer, subject.provider, prober.now())
    if (refusal.meaning !== 'reauthorise' || left === 0) throw refused(subject.shown, refusal)
  }
}

/** Statuses of a readable artifact. 206 and 416 answer the request for one byte, which avoids the whole body. */
function isAcceptance({ status }: OriginAnswer): boolean {
  return status === 304 || status === 200 || status === 206 || status === 416
}

async function send({ subject, etag, source, timeout, signal }: Probe, { origins }: Prober): Promise<OriginAnswer> {
  const network = await origins()
  const ask = async (method: 'GET' | 'HEAD', headersTimeout: number): Promise<OriginAnswer> => {
    const own = etag !== undefined ? { 'if-none-match': etag } : method === 'GET' ? { range: 'bytes=0-0' } : {}
    try {
      return await network.request({
        url: subject.url,
        provider: subject.provider,
        method,
        headers: { ...subject.headers, ...own },
        clientCredential: subject.ownRight,
        source,
        // A right that a parent remembers does not prove the present right.
        refresh: true,
        signal,
        headersTimeout,
      })
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof KissError ? error : unreachable(subject.shown, error)
    }
  }
  // A signature covers the method: a URL that was signed for GET is requested with GET.
  if (subject.provider.carriesCredential?.(subject.url)) return ask('GET', timeout)
  const answer = await ask('HEAD', timeout / 2).catch((error: unknown) => {
    if (!isSilence(error)) throw error
    return undefined
  })
  if (answer && !refusesHead(answer)) return answer
  await answer?.discard()
  return ask('GET', timeout / 2)
}

/** Some origins close the connection on HEAD, or never answer it. */
function isSilence(error: unknown): boolean {
  return error instanceof KissError && (error.code === 'origin-unreachable' || error.code === 'origin-timeout')
}

/** The answer proves nothing about the client's right: RFC 9110 §15.5.6, §15.6.2, or a redirect to a URL signed for GET. */
function refusesHead({ status, hop }: OriginAnswer): boolean {
  return status === 405 || status === 501 || (status === 403 && hop > 0)
}
