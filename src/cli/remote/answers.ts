/** What a kiss server's answers mean. Pure. */

import { isErrorCode, KissError, type ErrorCode } from '../../errors.js'
import type { ListedEntry } from '../../server/entries.js'
import type { ServedAs } from '../../store/types.js'

/** RFC 9211: the last member is the cache nearest to us; from the parameters of ours, how it was served. */
export function servedAs(cacheStatus: string | undefined): ServedAs {
  const member = cacheStatus?.split(',').at(-1) ?? ''
  const parameters = new Set(member.split(';').map((parameter) => parameter.trim()))
  if (parameters.has('collapsed')) return 'collapsed'
  if (parameters.has('hit')) return parameters.has('detail=stale-if-error') ? 'stale' : 'hit'
  return parameters.has('fwd-status=304') ? 'revalidated' : 'miss'
}

/** Did the server get a sign-in page in place of the artifact? */
export function isSignInPage(cacheStatus: string | undefined): boolean {
  return /;\s*detail=sign-in-page\s*(;|$)/.test(cacheStatus?.split(',').at(-1) ?? '')
}

/** For a server that does not say a code of ours: an older one, or a proxy before it. */
const codes: Readonly<Record<number, ErrorCode>> = {
  400: 'usage',
  412: 'digest-mismatch',
  421: 'misdirected',
  504: 'origin-timeout',
  507: 'quota',
  508: 'loop',
}

/** Codes that only this process can say of itself: a fault of the server is no fault of the command. */
const own: ReadonlySet<ErrorCode> = new Set(['internal', 'interrupted'])

/** What the user of the command line can do, where the server cannot know. */
const hints: Readonly<Record<number, string>> = {
  401: 'give its token with --server-token-file',
  405: 'listing and purging need a server with --admin-token-file',
}

/**
 * The error that a problem document (RFC 9457) of a server stands for.
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

/** Is this one of the `entries` of a list? */
export function isListedEntry(value: unknown): value is ListedEntry {
  if (typeof value !== 'object' || value === null) return false
  const {
    url,
    size,
    sha256,
    storedAt,
    staleAt,
    lastUsedAt,
    hits,
    private: isPrivate,
  } = value as Record<string, unknown>
  return (
    typeof url === 'string' &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    [size, hits].every(isCount) &&
    [storedAt, staleAt, lastUsedAt].every((time) => typeof time === 'number' && Number.isFinite(time)) &&
    typeof isPrivate === 'boolean'
  )
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Is this the document of `/api/v1/status/`, of kiss or of KissCache? */
export function isStatus(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const figures = Object.entries(value).filter(([key]) => /^(?:disk|resources|statistics)_/.test(key))
  return (
    figures.length > 0 &&
    figures.every(([, figure]) => typeof figure === 'number' && Number.isFinite(figure) && figure >= 0)
  )
}

function parseProblem(body: string): { code?: string; detail?: string; hint?: string } {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    // A page of a proxy: the status has to do.
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
