/** A request under `freshness: origin`: its fields, its limits, and the client that may share it. Pure. */

import { isSelecting } from '../../http/passed-headers.js'
import type { AskedFor, Fields } from '../../http/caching/types.js'
import type { RequestState } from '../request-state.js'
import type { Clock } from '../../clock.js'

export interface Asked extends AskedFor {
  /** Time of arrival, milliseconds since the epoch. */
  readonly since: number
  /** Seconds: the maximum age by `ttl` or `--refresh`. */
  readonly maxAge: number | undefined
  /** Only stored answers, at any age: `kiss fetch --offline`, `kiss serve --sealed`. */
  readonly offline: boolean
  /** The answer must not be stored in any case: the URL itself or a credential of the provider gives access. */
  readonly unstorable: boolean
  /** The names of its fields with credentials, whose values must not be stored. */
  readonly secret: readonly string[]
}

/** Fields with credentials: those of HTTP and those of the origins of CI artifacts. */
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
  const passed = Object.keys(subject.headers).filter((name) => !isSelecting(name))
  const secret = [...credentials, ...passed].filter((name) => fields[name] !== undefined)
  const byUrl = url.username !== '' || url.password !== '' || provider.carriesCredential?.(url) === true
  return {
    method: wire?.method ?? 'GET',
    fields,
    credentialed: subject.credential !== undefined || secret.length > 0,
    since: clock.now() - (clock.monotonic() - since),
    maxAge: refresh ? 0 : ttl === undefined ? undefined : ttl / 1000,
    // `only-if-cached` of a client is a field of its request, and allows no stale answers.
    offline: sealed || (offline && wire === undefined),
    unstorable: byUrl || (access === 'provider' && !lent),
    secret,
  }
}
