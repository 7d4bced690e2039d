/** The data of the dashboard for a role: only the administrator sees private artifacts. Pure. */

import type { Download, EngineStatus, FailureRecord, Totals, Viewer } from '../../engine/types.js'

export type Role = Viewer

/** A download with its current rate. */
export interface Flight extends Download {
  /** Bytes a second. */
  readonly rate: number
}

/** The state of the cache that one role may see. */
export interface View {
  readonly status: EngineStatus
  readonly flights: readonly Flight[]
  readonly failures: readonly FailureRecord[]
  /** Number of downloads in flight that are not shown. */
  readonly hidden: number
}

/**
 * A client that stores a body could learn from the used disk space whether a private artifact of another client has the same
 * content. Only the administrator therefore sees the disk space; other clients see the sum of the sizes of the entries.
 */
export function statusFor(role: Role, status: EngineStatus): EngineStatus {
  const { usage } = status
  return role === 'admin' ? status : { ...status, counted: usage.logical, usage: { ...usage, blobs: usage.logical } }
}

/** The same for another node. */
export function totalsFor(role: Role, totals: Totals): Totals {
  const { usage } = totals
  return role === 'admin' ? totals : { ...totals, counted: usage.logical, usage: { ...usage, blobs: usage.logical } }
}

/** Waiting downloads in the order of the queue, then the others, newest first. */
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
