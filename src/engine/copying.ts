/** A copy that another node asks for (`--copies`): this node follows its download, although no client here wants the bytes. */

import type { Flights } from '../flight/flights.js'
import { providerFor } from '../flight/subject.js'
import type { UpstreamProvider } from '../provider/types.js'
import type { Store } from '../store/open.js'
import type { Access, KeyId } from '../store/types.js'
import type { Rules } from './rules/rules.js'

/** Stands for the credential of the client elsewhere: no client here has the same. */
const ELSEWHERE = 'elsewhere'

export interface CopyRequest {
  readonly id: KeyId
  /** Displayable. */
  readonly url: string
  /** Whose credential brings the bytes there. */
  readonly access: Access
  /** Milliseconds. */
  readonly lifetime: number
}

export interface CopyingOptions {
  readonly flights: Flights
  readonly store: Store
  readonly rules: Rules
  readonly providers: readonly UpstreamProvider[]
}

/** Begins to follow, and does not wait for the end. False if a rule of this node keeps nothing of the URL. */
export async function copy(
  { id, url, access, lifetime }: CopyRequest,
  { flights, store, rules, providers }: CopyingOptions,
): Promise<boolean> {
  const shown = new URL(url)
  const rule = rules.of(shown)
  if (rule?.store === 'never' || rule?.freshness === 'origin') return false
  const { flight } = flights.join({
    id,
    canonical: shown,
    url: shown,
    shown: url,
    provider: providerFor(shown, providers),
    share: 'all',
    headers: {},
    credential: access === 'public' ? undefined : ELSEWHERE,
    ownRight: true,
    access,
    lent: false,
    lifetime,
    stale: await store.entries.get(id),
    accepts: () => true,
    promised: undefined,
    alone: false,
    keep: true,
    maxSize: rule?.maxSize,
    follows: true,
  })
  void flight.state.ended.then(() => flight.leave())
  return true
}
