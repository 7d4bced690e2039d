/** What a request asks of an origin that says itself what is stored: its fields, its limits, and who it is for. Pure. */

import type { AskedFor, Fields } from '../../http/caching/types.js'
import type { RequestState } from '../request-state.js'
import type { Clock } from '../types.js'

export interface Asked extends AskedFor {
  /** Milliseconds since the epoch, as of now: when the request came. */
  readonly since: number
  /** Seconds: nothing older, as a client of kiss says it (`ttl`, `--refresh`). */
  readonly maxAge: number | undefined
  /** Only what is stored, however stale: `kiss fetch --offline`, `kiss serve --sealed`. */
  readonly offline: boolean
  /** Nothing of the answer may be stored whatever it says: the URL itself, or a credential of the provider's, opens it. */
  readonly unstorable: boolean
}

/** Fields that are credentials: of HTTP, and of the origins of CI artifacts. */
const credentials = [
  'authorization',
  'cookie',
  'private-token',
  'job-token',
  'authentication',
  'x-api-key',
  'x-auth-token',
]

export function askedOf(
  { request, subject, since }: RequestState,
  { clock, sealed }: { readonly clock: Clock; readonly sealed: boolean },
): Asked {
  const { wire, offline = false, refresh = false, ttl } = request
  const fields: Fields = wire?.fields ?? subject.headers
  const { provider, url, access, lent } = subject
  const byUrl = url.username !== '' || url.password !== '' || provider.carriesCredential?.(url) === true
  return {
    method: wire?.method ?? 'GET',
    fields,
    credentialed: subject.credential !== undefined || credentials.some((name) => fields[name] !== undefined),
    since: clock.now() - (clock.monotonic() - since),
    maxAge: refresh ? 0 : ttl === undefined ? undefined : ttl / 1000,
    // `only-if-cached` of a client is one of its fields, and leaves stale answers alone.
    offline: sealed || (offline && wire === undefined),
    unstorable: byUrl || (access === 'provider' && !lent),
  }
}
