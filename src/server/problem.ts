/** Errors as answers: application/problem+json, RFC 9457. Pure. */

import { KissError, type ErrorCode } from '../errors.js'
import { formatCacheStatus } from '../http/cache-status.js'
import { formatRetryAfter } from '../http/dates.js'
import type { Reply } from './reply.js'

/** The codes of errors.ts, and those that only HTTP has. */
export type ProblemCode = ErrorCode | 'not-found' | 'method-not-allowed' | 'url-too-long' | 'precondition' | 'range'

/** The title of a kind of problem, the same for each occurrence (RFC 9457 §3.1.4). */
const titles: Readonly<Record<ProblemCode, string>> = {
  internal: 'Internal error',
  usage: 'Bad parameter',
  'bad-url': 'Bad URL',
  'unsupported-scheme': 'No provider serves this scheme',
  configuration: 'Bad configuration',
  'client-forbidden': 'This client may not use this server',
  'upstream-forbidden': 'The settings forbid this upstream',
  misdirected: 'Not the name of this server',
  loop: 'Loop detected',
  'origin-refused': 'The origin refused the request',
  'origin-failed': 'The origin failed',
  'origin-unreachable': 'The origin is unreachable or keeps failing',
  'origin-timeout': 'No answer of the origin in time',
  'content-changed': 'The content changed during the download',
  'length-mismatch': 'The body does not have its announced length',
  'digest-mismatch': 'The content does not have the expected SHA-256',
  offline: 'Not in the cache',
  sealed: 'Not in the cache',
  'out-of-time': 'Out of time',
  quota: 'Out of quota',
  disk: 'The disk of the cache failed',
  credential: 'kiss could not create a credential',
  busy: 'Too many downloads',
  draining: 'Shutting down',
  interrupted: 'Interrupted',
  'not-found': 'No such page',
  'method-not-allowed': 'Method not allowed',
  'url-too-long': 'URL too long',
  precondition: 'Precondition failed',
  range: 'Range not satisfiable',
}

/** Hints in the words of HTTP, in place of those of the command line. */
const hints: Partial<Readonly<Record<ErrorCode, string>>> = {
  offline: 'ask once without Cache-Control: only-if-cached',
}

export interface Problem {
  readonly status: number
  readonly code: ProblemCode
  readonly detail: string
  readonly hint?: string | undefined
  /** Milliseconds. */
  readonly retryAfter?: number | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** The time that a failure is remembered (cache rule 8): an earlier retry gets the same failure. */
const defaultRetryAfter = 10_000
const temporary = new Set([502, 503, 504, 507])

export function problemReply({
  status,
  code,
  detail,
  hint,
  retryAfter,
  headers,
}: Problem): Reply & { readonly body: string } {
  const wait = retryAfter ?? (temporary.has(status) ? defaultRetryAfter : undefined)
  const body = { type: `urn:kiss:problem:${code}`, title: titles[code], status, detail, code, hint }
  return {
    status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      'Cache-Status': formatCacheStatus({ detail: code }),
      ...(wait !== undefined && { 'Retry-After': formatRetryAfter(wait) }),
      ...headers,
    },
    body: `${JSON.stringify(body)}\n`,
  }
}

/**
 * The problem document of an error. An unexpected error gets a generic text, because its own text may contain secrets; the log
 * has it under the id of the request.
 */
export function problemOf(error: unknown): Problem {
  if (error instanceof KissError && error.code !== 'internal') {
    const { status, code, message, hint, retryAfter } = error
    return { status, code, detail: message, hint: hints[code] ?? hint, retryAfter }
  }
  return {
    status: 500,
    code: 'internal',
    detail: 'kiss failed; its log says more under the X-Request-Id of this answer',
  }
}
