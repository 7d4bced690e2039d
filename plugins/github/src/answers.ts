/** What GitHub's failures mean, in plain words, and how long its rate limits last. Pure but for the clock handed in. */

import type { UpstreamAnswer, UpstreamFailure } from 'kiss-cache'
import type { Place } from './place.js'
import { nameOf, type Resource } from './resource.js'

/** The known facts about the credential of a request that failed. */
export type Credential = 'none set' | 'not lent' | 'sent'

/** Seconds to wait after a rate limit that names no time: docs.github.com, "Best practices for using the REST API". */
const UNNAMED_LIMIT = 60

/** GitHub answers 403 or 429 beyond a rate limit, the primary and the secondary ones. */
export function isRateLimit({ status, headers, excerpt }: UpstreamFailure): boolean {
  if (status !== 403 && status !== 429) return false
  return (
    status === 429 ||
    headers['x-ratelimit-remaining'] === '0' ||
    headers['retry-after'] !== undefined ||
    /rate limit|abuse detection/i.test(excerpt)
  )
}

/** Seconds until GitHub takes requests again. @param now milliseconds since the epoch */
export function limitedFor({ headers }: UpstreamFailure, now: number): number {
  const after = headers['retry-after']
  if (after !== undefined && /^\d{1,9}$/.test(after)) return Math.max(1, Number(after))
  // RFC 9110 §10.2.3: a date stands in place of the seconds.
  const date = after?.trim().endsWith('GMT') === true ? Date.parse(after) : NaN
  if (!Number.isNaN(date)) return Math.max(1, Math.ceil((date - now) / 1000))
  const reset = headers['x-ratelimit-reset']
  if (headers['x-ratelimit-remaining'] === '0' && reset !== undefined && /^\d{1,12}$/.test(reset)) {
    return Math.max(1, Math.ceil(Number(reset) - now / 1000))
  }
  return UNNAMED_LIMIT
}

/** One line from known words only: nothing that the origin or the client wrote is repeated. */
export function description(
  place: Place,
  failure: UpstreamFailure,
  resource: Resource | undefined,
  credential: Credential,
  now: number,
): string | undefined {
  const said = isRateLimit(failure) ? limit(failure, credential, now) : meaning(failure, resource, credential)
  return said && `${place.label}: ${nameOf(resource)}: ${said}`
}

function limit(failure: UpstreamFailure, credential: Credential, now: number): string {
  const seconds = limitedFor(failure, now)
  const until = new Date(now + seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
  const which = failure.headers['x-ratelimit-remaining'] === '0' ? 'the rate limit' : 'a secondary rate limit'
  const advice = credential === 'sent' ? '' : '; requests with a token have a higher one'
  return `${which} is used up until ${until}, in ${seconds} s (${failure.status})${advice}`
}

function meaning(
  { status, excerpt }: UpstreamFailure,
  resource: Resource | undefined,
  credential: Credential,
): string | undefined {
  switch (status) {
    case 401:
      if (credential === 'sent') return 'the token is wrong, expired or revoked (401)'
      return `GitHub asks for a token (401)${advice[credential]}`
    case 403:
      return 'the token may not read it (403)'
    case 404:
      return `${missing(resource, excerpt)} (404)${advice[credential]}`
    case 410:
      return 'it has expired (410)'
    default:
      return undefined
  }
}

function missing(resource: Resource | undefined, excerpt: string): string {
  if (/"no successful run"/.test(excerpt)) return 'the workflow has no successful run on that branch'
  if (/"no asset /.test(excerpt)) return 'the release has no asset of that name'
  if (/"no artifact /.test(excerpt)) return 'the run has no artifact of that name'
  if (resource?.kind === 'artifact') return 'there is none, it was deleted, or this request may not read it'
  return 'there is none, or this request may not read it: GitHub gives one answer for both'
}

const advice: Readonly<Record<Credential, string>> = {
  'none set': '; no token is set for this GitHub',
  'not lent': '; the server lends its token only to repositories in KISS_GITHUB_REPOSITORIES',
  sent: '',
}

/** Why a redirect is not the artifact: an Enterprise server in private mode sends everybody to its sign-in page. */
export function refusal(place: Place, { url, status, headers }: UpstreamAnswer): string | undefined {
  const { location } = headers
  if (status < 300 || location === undefined || !URL.canParse(location, url.href)) return undefined
  const target = new URL(location, url)
  const signIn = target.origin === new URL(place.web).origin && /^\/(login|session)(\/|$)/.test(target.pathname)
  return signIn ? `${place.label} asks for a sign-in; set a token for this GitHub` : undefined
}
