/** The data of the dashboard for a role: private artifacts are for the admin. Pure. */

import type { Download, EngineStatus, FailureRecord, Totals } from '../../engine/types.js'

export type Role = 'anyone' | 'admin'

/** A download, and how fast it is now. */
export interface Flight extends Download {
  /** Bytes a second. */
  readonly rate: number
}

/** The state of the cache as one role may see it. */
export interface View {
  readonly status: EngineStatus
  readonly flights: readonly Flight[]
  readonly failures: readonly FailureRecord[]
  /** Downloads in flight that are not shown. */
  readonly hidden: number
}

/**
 * Whether the disk fills when a client stores a body would tell it whether somebody else's private artifact has the same
 * content: only the administrator sees what the disk holds, all others the sum of the sizes of the entries.
 */
export function statusFor(role: Role, status: EngineStatus): EngineStatus {
  const { usage } = status
  return role === 'admin' ? status : { ...status, counted: usage.logical, usage: { ...usage, blobs: usage.logical } }
}

/** The same of another node. */
export function totalsFor(role: Role, totals: Totals): Totals {
  const { usage } = totals
  return role === 'admin' ? totals : { ...totals, counted: usage.logical, usage: { ...usage, blobs: usage.logical } }
}

/** Those that wait in the order in which they get their turn, then the newest first. */
function byTurn(a: Flight, b: Flight): number {
  return (a.place ?? Infinity) - (b.place ?? Infinity) || b.startedAt - a.startedAt || (a.url < b.url ? -1 : 1)
}

export function viewFor(role: Role, status: EngineStatus, flights: readonly Flight[]): View {
  const shown = <T extends { readonly private: boolean }>(items: readonly T[]): T[] =>
    items.filter((item) => role === 'admin' || !item.private)
  return {
    status: statusFor(role, status),
    flights: [...shown(flights)].sort(byTurn),
    failures: shown(status.failures),
    hidden: flights.length - shown(flights).length,
  }
}
