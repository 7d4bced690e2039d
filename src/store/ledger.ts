/** The statements of the ledger of bytes: what blobs take, what transfers have reserved, what is being removed. */

import type { Query } from './index/connection.js'
import type { Candidate, Room } from './eviction.js'
import { ENTRIES, ENTRY_SHA256 } from './index/schema.js'
import type { KeyId, Sha256 } from './types.js'

/** What one transfer has reserved, or the blob that it claims. */
export interface Reservation {
  readonly id: KeyId
  /** 0 for a claim: the blob counts already. */
  readonly bytes: number
  /** The blob that it brought and whose entry is not written yet; null for a reservation. */
  readonly sha256: Sha256 | null
  /** Who made it, as it was handed to the store. */
  readonly owner: string
}

const QUOTA = `(SELECT value FROM settings WHERE name = 'quota')`
const BLOBS = `(SELECT coalesce(sum(size), 0) FROM blobs)`

/** True when the reservation is made. One statement: the sum cannot change between the look and the deed. */
export async function tryReserve(query: Query, id: KeyId, bytes: number, owner: string): Promise<boolean> {
  const rows = await query(
    `INSERT INTO reservations (id, bytes, owner) SELECT ?1, ?2, ?3
      WHERE ${QUOTA} IS NULL
        OR ${BLOBS} + (SELECT coalesce(sum(bytes), 0) FROM reservations WHERE id <> ?1) + ?2 <= ${QUOTA}
      ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes, owner = excluded.owner
      RETURNING id`,
    id,
    bytes,
    owner,
  )
  return rows.length > 0
}

/** undefined: no quota. */
export async function readRoom(query: Query, id: KeyId): Promise<Room | undefined> {
  const [row] = await query<{ quota: number | null } & Omit<Room, 'quota'>>(
    `SELECT ${QUOTA} AS quota,
      (SELECT coalesce(sum(size), 0) FROM blobs WHERE doomed IS NULL) AS kept,
      (SELECT coalesce(sum(size), 0) FROM blobs WHERE doomed IS NOT NULL) AS leaving,
      (SELECT coalesce(sum(bytes), 0) FROM reservations WHERE id <> ?) AS reserved`,
    id,
  )
  return row === undefined || row.quota === null ? undefined : { ...row, quota: row.quota }
}

export async function readQuota(query: Query): Promise<number | undefined> {
  const [row] = await query<{ value: number | null }>(`SELECT ${QUOTA} AS value`)
  return row?.value ?? undefined
}

export async function writeQuota(query: Query, bytes: number | undefined): Promise<void> {
  if (bytes === undefined) await query(`DELETE FROM settings WHERE name = 'quota'`)
  else
    await query(
      `INSERT INTO settings VALUES ('quota', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      bytes,
    )
}

export async function readUsage(query: Query): Promise<{ blobs: number; reserved: number }> {
  const [row] = await query<{ blobs: number; reserved: number }>(
    `SELECT ${BLOBS} AS blobs, (SELECT coalesce(sum(bytes), 0) FROM reservations) AS reserved`,
  )
  return row ?? { blobs: 0, reserved: 0 }
}

export interface Commit {
  /** Of the entry that will name the blob. */
  readonly id: KeyId
  readonly reservation: string
  readonly sha256: Sha256
  /** Bytes. */
  readonly size: number
  readonly owner: string
}

/**
 * The first half of a commit: the transfer claims the blob, whose removal nobody can begin from now on. False while somebody
 * is removing it, unless `anyway`.
 */
export async function tryClaim(query: Query, { id, sha256, owner }: Commit, anyway: boolean): Promise<boolean> {
  const rows = await query(
    `INSERT INTO claims (sha256, id, owner) SELECT ?1, ?2, ?3
      WHERE ?4 OR NOT EXISTS (SELECT 1 FROM blobs WHERE sha256 = ?1 AND doomed IS NOT NULL)
      ON CONFLICT (sha256, id) DO UPDATE SET owner = excluded.owner
      RETURNING id`,
    sha256,
    id,
    owner,
    anyway ? 1 : 0,
  )
  return rows.length > 0
}

/**
 * The second half: the blob counts, and in the same statement the reservation does not any more. False where that would
 * exceed the quota.
 */
export async function countClaimed(query: Query, { reservation, sha256, size }: Commit): Promise<boolean> {
  const rows = await query(
    `INSERT INTO blobs (sha256, size, last_used, brought_by) SELECT ?1, ?2, 0, ?3
      WHERE ${QUOTA} IS NULL OR EXISTS (SELECT 1 FROM blobs WHERE sha256 = ?1 AND size >= ?2)
        OR ${BLOBS} + (SELECT coalesce(sum(bytes), 0) FROM reservations WHERE id <> ?3) + ?2 <= ${QUOTA}
      ON CONFLICT (sha256) DO UPDATE SET size = ?2, brought_by = ?3, doomed = NULL
      RETURNING sha256`,
    sha256,
    size,
    reservation,
  )
  return rows.length > 0
}

/** Least recently used first; without those that are claimed or being removed. */
export async function evictable(query: Query, limit: number): Promise<Candidate[]> {
  return query<Candidate>(
    `SELECT sha256, size, last_used AS lastUsedAt FROM blobs
      WHERE doomed IS NULL AND sha256 NOT IN (SELECT sha256 FROM claims)
      ORDER BY last_used LIMIT ?`,
    limit,
  )
}

/**
 * Makes the caller the one who removes the blob; undefined where it is claimed, somebody else is at it, or (unless `named`)
 * an entry names it. Also for a blob that the ledger does not know. Resolves with the bytes that it counts for.
 */
export async function doom(query: Query, sha256: Sha256, now: number, named: boolean): Promise<number | undefined> {
  const [row] = await query<{ size: number }>(
    `INSERT INTO blobs (sha256, size, last_used, doomed) SELECT ?1, 0, ?2, ?2
      WHERE NOT EXISTS (SELECT 1 FROM claims WHERE sha256 = ?1)
        AND (?3 OR NOT EXISTS (SELECT 1 FROM ${ENTRIES} WHERE ${ENTRY_SHA256} = ?1))
      ON CONFLICT (sha256) DO UPDATE SET doomed = ?2 WHERE doomed IS NULL
      RETURNING size`,
    sha256,
    now,
    named ? 1 : 0,
  )
  return row?.size
}

/**
 * Takes over the removals that somebody began before `before` (milliseconds since the epoch) and did not end; also those of
 * the future, which began before the clock was set back.
 */
export async function takeOverDoomed(query: Query, before: number, now: number): Promise<Sha256[]> {
  const rows = await query<{ sha256: Sha256 }>(
    `UPDATE blobs SET doomed = ?2 WHERE doomed < ?1 OR doomed > ?2 RETURNING sha256`,
    before,
    now,
  )
  return rows.map((row) => row.sha256)
}

/** The blob is gone. Nothing happens where it was given a new life, or another remover, since `doomed`. */
export async function strike(query: Query, sha256: Sha256, doomed: number): Promise<void> {
  await query('DELETE FROM blobs WHERE sha256 = ? AND doomed = ?', sha256, doomed)
}

/** What is being committed under these keys, or under any, will not be stored. */
export async function cancelClaims(query: Query, ids: Iterable<KeyId> | undefined): Promise<void> {
  const given = ids === undefined ? null : JSON.stringify([...ids])
  await query('DELETE FROM claims WHERE ?1 IS NULL OR id IN (SELECT value FROM json_each(?1))', given)
}

/** Whatever the quota: what is written already has to be counted. */
export async function restoreReservation(query: Query, reservation: Omit<Reservation, 'sha256'>): Promise<void> {
  const { id, bytes, owner } = reservation
  await query('INSERT OR IGNORE INTO reservations (id, bytes, owner) VALUES (?, ?, ?)', id, bytes, owner)
}

export async function readReservations(query: Query): Promise<Reservation[]> {
  return query<Reservation>(
    `SELECT id, bytes, NULL AS sha256, owner FROM reservations UNION ALL SELECT id, 0, sha256, owner FROM claims`,
  )
}

/** Only as it was read: a new owner's is left. */
export async function dropReservation(query: Query, { id, owner, bytes, sha256 }: Reservation): Promise<boolean> {
  const rows =
    sha256 === null
      ? await query('DELETE FROM reservations WHERE id = ? AND owner = ? AND bytes = ? RETURNING id', id, owner, bytes)
      : await query('DELETE FROM claims WHERE id = ? AND owner = ? AND sha256 = ? RETURNING id', id, owner, sha256)
  return rows.length > 0
}

/** Also what these keys claim. */
export async function dropReservations(query: Query, ids: readonly KeyId[]): Promise<void> {
  for (const table of ['reservations', 'claims']) {
    await query(`DELETE FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`, JSON.stringify(ids))
  }
}
