/** Reads the problem documents (RFC 9457) of a kiss server as errors. Pure. */

import { isErrorCode, KissError, type ErrorCode } from '../errors.js'

export interface Problem {
  readonly code?: string
  readonly detail?: string
  readonly hint?: string
}

/** The code by status, for an answer without a known code: of an older server, or of a proxy. */
const codes: Readonly<Record<number, ErrorCode>> = {
  400: 'usage',
  412: 'digest-mismatch',
  421: 'misdirected',
  504: 'origin-timeout',
  507: 'quota',
  508: 'loop',
}

/** Codes that only apply to the local process: a fault of the server is no fault of the command. */
const own: ReadonlySet<ErrorCode> = new Set(['internal', 'interrupted'])

/** Hints for the user of the command line that the server cannot give. */
const hints: Readonly<Record<number, string>> = {
  401: 'give its token with --server-token-file',
  405: 'listing and purging need a server with --admin-token-file',
}

/**
 * The error of a problem document (RFC 9457) of a server.
 * @param server displayable
 */
export function problemError(server: string, status: number, body: string): KissError {
  const { code, detail, hint } = parseProblem(body)
  const said = hint ?? hints[status]
  const known = code !== undefined && isErrorCode(code) && !own.has(code) ? code : codes[status]
  const fallback: ErrorCode = status >= 400 && status < 500 ? 'origin-refused' : 'origin-failed'
  return new KissError(known ?? fallback, `${server}: ${detail ?? `status ${status}`}`, {
    status,
    ...(said === undefined ? {} : { hint: said }),
  })
}

/** undefined for a page that is no problem document. */
export function parseProblem(body: string): Problem {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    // A page of a proxy: only the status is known.
    return {}
  }
  if (typeof parsed !== 'object' || parsed === null) return {}
  const { code, detail, hint } = parsed as Record<string, unknown>
  return {
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof detail === 'string' ? { detail } : {}),
    ...(typeof hint === 'string' ? { hint } : {}),
  }
}
