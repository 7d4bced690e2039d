/** Repeats a hit without a lookup: the decision uses memory only and is synchronous. */

import { isFresh } from '../http/freshness.js'
import { hostOf } from '../http/urls.js'
import { mayBeSignInPage } from '../http/sign-in.js'
import type { Entry } from '../store/types.js'
import type { Store } from '../store/open.js'
import { narrowed, type Rules } from './rules/rules.js'
import type { Again, Clock } from './types.js'

/**
 * See Engine.again. The entry must be the object in memory: after a purge, a replacement or a validation by any process it is
 * another object, or none. Only a public entry that is no page may be repeated without a check of rights (rule 9).
 */
export function again(
  before: Entry,
  ttl: number | undefined,
  { store, rules, clock }: { readonly store: Store; readonly rules: Rules; readonly clock: Clock },
): Again | undefined {
  const entry = store.entries.known(before.id)
  // An entry that was read or stored again has another headers object.
  if (entry === undefined || entry.headers !== before.headers) return undefined
  if (entry.access !== 'public' || mayBeSignInPage(entry)) return undefined
  const rule = rules.of(entry.url)
  if (rule?.store === 'never' || rule?.freshness === 'origin' || rule?.sha256From !== undefined) return undefined
  const now = clock.now()
  if (!isFresh(entry, { now, ttl: narrowed(ttl, rule) })) return undefined
  const blob = store.bodies.peek(entry.sha256)
  if (blob === undefined) return undefined
  store.counters.add('requests', 1)
  store.counters.add('requests_hit', 1)
  store.entries.touch(entry.id, now)
  return { entry, bytes: blob.inMemory, close: () => void blob.close() }
}

/** Counts the bytes of a repeated hit that its reader received. */
export function sentAgain(entry: Entry, bytes: number, { store }: { readonly store: Store }): void {
  store.counters.add('served_hit', bytes)
  store.figures.servedOf(hostOf(entry.url), bytes)
}
