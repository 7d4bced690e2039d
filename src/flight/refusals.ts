/** Failures of an origin, with or without an answer: the message, the code, and whether a retry may succeed. */

import { Declined, NoAnswer } from '../upstream/declined.js'
import { KissError, reasonOf, systemCode } from '../errors.js'
import { parseProblem } from '../http/problem.js'
import { parseRetryAfter } from '../http/dates.js'
import type { Classification, UpstreamFailure, UpstreamProvider } from '../provider/types.js'
import { formatRoughly } from '../units.js'
import type { OriginAnswer } from '../upstream/types.js'
import { isPassing } from './retry.js'

export interface Refusal {
  readonly status: number
  readonly meaning: Classification
  /** A plain sentence without secrets. */
  readonly reason: string
  /** Milliseconds. */
  readonly retryAfter: number | undefined
  /** The provider named the time: an earlier attempt would fail. */
  readonly binding: boolean
}

/** Classifies an answer that is not the artifact. The classification of the provider goes before that of the status. */
export async function understand(answer: OriginAnswer, provider: UpstreamProvider, now: number): Promise<Refusal> {
  const { url, hop, status, headers, kind } = answer
  const failure = { url, hop, status, headers, excerpt: await answer.excerpt() }
  // A provider classifies the refusals of its origin, not the problem documents of a parent.
  if (kind === 'parent') return fromParent(failure, now)
  const seconds = provider.retryAfter?.(failure)
  return {
    status,
    meaning: provider.classify?.(failure) ?? byDefault(status),
    reason: provider.describe?.(failure) ?? `the origin answered ${status}`,
    retryAfter: seconds === undefined ? parseRetryAfter(headers['retry-after'], now) : seconds * 1000,
    binding: seconds !== undefined,
  }
}

function fromParent({ status, headers, excerpt }: UpstreamFailure, now: number): Refusal {
  const { detail = `the origin answered ${status}` } = parseProblem(excerpt)
  // The message contains the URL already.
  const reason = detail.replace(/^cannot fetch \S+( \(query hidden\))?: /, '')
  const retryAfter = parseRetryAfter(headers['retry-after'], now)
  return { status, meaning: byDefault(status), reason, retryAfter, binding: false }
}

function byDefault(status: number): Classification {
  if (isPassing(status)) return 'retry'
  if (status === 404 || status === 410) return 'gone'
  return status === 401 || status === 403 ? 'denied' : 'fatal'
}

/** A 4xx of the origin passes through; transient failures and missing answers get an error of kiss. */
export function refused(shown: string, { status, meaning, reason, retryAfter }: Refusal): KissError {
  const message = `cannot fetch ${shown}: ${reason}`
  const options = { ...(retryAfter === undefined ? {} : { retryAfter }) }
  if (meaning === 'retry' || isPassing(status)) return new KissError('origin-unreachable', message, options)
  if (status >= 400 && status < 500) return new KissError('origin-refused', message, { ...options, status })
  return meaning === 'fatal' || meaning === 'reauthorise'
    ? new KissError('origin-failed', message, options)
    : new KissError('origin-refused', message, { ...options, status: meaning === 'gone' ? 404 : 403 })
}

/** Classifies a request without an answer. */
export function unreachable(shown: string, error: unknown): KissError {
  const code = isTimeout(error) ? 'origin-timeout' : 'origin-unreachable'
  const hint = isUntrusted(error) ? { hint: 'name the certificate of its authority with --ca-file' } : {}
  return new KissError(code, `cannot fetch ${shown}: ${reasonWith(error)}`, { cause: error, ...hint })
}

export interface Struggle {
  /** The failure of the last attempt. */
  readonly reason: string
  readonly cause: unknown
  readonly attempts: number
  /** Milliseconds. */
  readonly elapsed: number
  /** Milliseconds that the origin asked for. */
  readonly retryAfter: number | undefined
}

/** Milliseconds: `Retry-After` for clients if the origin names no time. */
const LATER = 30_000

/** The error of a download whose attempts all failed. */
export function gaveUp(shown: string, { reason, cause, attempts, elapsed, retryAfter }: Struggle): KissError {
  const times = attempts === 1 ? '' : `; gave up after ${attempts} attempts in ${Math.round(elapsed / 1000)} s`
  const code = isTimeout(cause) ? 'origin-timeout' : 'origin-unreachable'
  const isLong = retryAfter !== undefined && retryAfter > LATER
  const hint = isLong ? `retry in ${formatRoughly(retryAfter)}, as the origin asks` : 'retry later'
  const options = { cause, hint, retryAfter: retryAfter ?? LATER }
  return new KissError(code, `cannot fetch ${shown}: ${reason}${times}`, options)
}

/** Is the certificate of the origin not trusted? */
function isUntrusted(error: unknown): boolean {
  return /SELF_SIGNED|^UNABLE_TO_/.test(systemCode(error) ?? '')
}

const disk: ReadonlySet<string> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EIO',
  'EMFILE',
  'ENFILE',
  'EROFS',
  'EACCES',
  'EPERM',
  'ENOENT',
  'EFBIG',
  'EBADF',
  'ENOTDIR',
  'ESTALE',
])

/** Local errors that end a body in flight. */
export function isDiskError(error: unknown): boolean {
  return disk.has(systemCode(error) ?? '')
}

function isTimeout(error: unknown): boolean {
  return /TIMEOUT|TIMEDOUT/.test(systemCode(error) ?? '')
}

/** The reason with the name of the server that failed. @param sender displayable; undefined: the origin */
export function reasonWith(
  error: unknown,
  sender: string | undefined = error instanceof NoAnswer ? error.sender : undefined,
): string {
  const reason = reasonOf(error)
  if (sender === undefined) return reason
  return reason.startsWith('the origin ') ? reason.replace('the origin', sender) : `${sender}: ${reason}`
}

/** Displayable name of the server that sent an answer. */
export function senderOf({ sender = 'the origin' }: { readonly sender?: string | undefined }): string {
  return sender
}

/** Codes that describe the origin. Changed content, a wrong sum and errors of kiss itself are not remembered. */
const ofTheOrigin: ReadonlySet<string> = new Set([
  'origin-refused',
  'origin-failed',
  'origin-unreachable',
  'origin-timeout',
])

export function isRemembered(error: KissError): boolean {
  return ofTheOrigin.has(error.code)
}

/** Did a server decline the request only for now: it is draining, or its queue is full? */
export function isQueue(error: unknown): boolean {
  return error instanceof Declined && error.isPassing
}

export function wrongSum(shown: string, sha256: string, expected: string): KissError {
  const message = `cannot fetch ${shown}: the SHA-256 of the content is ${sha256}, not ${expected}`
  return new KissError('digest-mismatch', message, { status: 502 })
}
