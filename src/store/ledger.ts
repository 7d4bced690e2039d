/** The statements of the ledger of bytes: what blobs take, what transfers have reserved, what is being removed. */

import type { Query } from './connection.js'
import type { Candidate, Room } from './eviction.js'
import { ENTRIES, ENTRY_SHA256 } from './schema.js'
import type { KeyId, Sha256 } from './types.js'

/** What one transfer has reserved, or claims. */
export interface Reservation {
  readonly id: KeyId
  /** Bytes. */
  readonly bytes: number
  /** The blob that it became and whose entry is not written yet. */
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
      ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes, owner = excluded.owner, sha256 = NULL
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

/**
 * The first half of a commit: the transfer claims the blob, whose removal nobody can begin from now on. False while somebody
 * is removing it, unless `anyway`.
 */
export async function tryClaim(
  query: Query,
  claim: { id: KeyId; sha256: Sha256; owner: string; anyway: boolean },
): Promise<boolean> {
  const rows = await query(
    `INSERT INTO reservations (id, bytes, sha256, owner) SELECT ?1, 0, ?2, ?3
      WHERE ?4 OR NOT EXISTS (SELECT 1 FROM blobs WHERE sha256 = ?2 AND doomed IS NOT NULL)
      ON CONFLICT (id) DO UPDATE SET sha256 = ?2, owner = ?3
      RETURNING id`,
    claim.id,
    claim.sha256,
    claim.owner,
    claim.anyway ? 1 : 0,
  )
  return rows.length > 0
}

/** The second half: the blob counts, and in the same statement what was reserved by those who claim it does not any more. */
export async function countClaimed(query: Query, sha256: Sha256, size: number): Promise<void> {
  await query(
    `INSERT INTO blobs (sha256, size, last_used) VALUES (?1, ?2, 0)
      ON CONFLICT (sha256) DO UPDATE SET size = ?2, doomed = NULL`,
    sha256,
    size,
  )
}

/** Least recently used first; without those that are claimed or being removed. */
export async function evictable(query: Query, limit: number): Promise<Candidate[]> {
  return query<Candidate>(
    `SELECT sha256, size, last_used AS lastUsedAt FROM blobs
      WHERE doomed IS NULL AND sha256 NOT IN (SELECT sha256 FROM reservations WHERE sha256 IS NOT NULL)
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
      WHERE NOT EXISTS (SELECT 1 FROM reservations WHERE sha256 = ?1)
        AND (?3 OR NOT EXISTS (SELECT 1 FROM ${ENTRIES} WHERE ${ENTRY_SHA256} = ?1))
      ON CONFLICT (sha256) DO UPDATE SET doomed = ?2 WHERE doomed IS NULL
      RETURNING size`,
    sha256,
    now,
    named ? 1 : 0,
  )
  return row?.size
}

/** Takes over the removals that somebody began before `before` (milliseconds since the epoch) and did not end. */
export async function takeOverDoomed(query: Query, before: number, now: number): Promise<Sha256[]> {
  const rows = await query<{ sha256: Sha256 }>(
    `UPDATE blobs SET doomed = ?2 WHERE doomed < ?1 RETURNING sha256`,
    before,
    now,
  )
  return rows.map((row) => row.sha256)
}

/** The blob is gone. Nothing happens where it was given a new life, or another remover, since `doomed`. */
export async function strike(query: Query, sha256: Sha256, doomed: number): Promise<void> {
  await query('DELETE FROM blobs WHERE sha256 = ? AND doomed = ?', sha256, doomed)
}

/** Whatever the quota: what is written already has to be counted. */
export async function restoreReservation(query: Query, reservation: Omit<Reservation, 'sha256'>): Promise<void> {
  const { id, bytes, owner } = reservation
  await query('INSERT OR IGNORE INTO reservations (id, bytes, owner) VALUES (?, ?, ?)', id, bytes, owner)
}

/** Bytes up to which a commit of this key and blob is counted already. */
export async function countedFor(query: Query, id: KeyId, sha256: Sha256): Promise<number> {
  const [row] = await query<{ bytes: number }>(
    `SELECT max(
      coalesce((SELECT bytes FROM reservations WHERE id = ?), 0),
      coalesce((SELECT size FROM blobs WHERE sha256 = ?), 0)) AS bytes`,
    id,
    sha256,
  )
  return row?.bytes ?? 0
}

export async function readReservations(query: Query): Promise<Reservation[]> {
  return query<Reservation>('SELECT id, bytes, sha256, owner FROM reservations')
}

/** Only as it was read: a new owner's is left. */
export async function dropReservation(query: Query, { id, owner, bytes }: Reservation): Promise<boolean> {
  const rows = await query(
    'DELETE FROM reservations WHERE id = ? AND owner = ? AND bytes = ? RETURNING id',
    id,
    owner,
    bytes,
  )
  return rows.length > 0
}

export async function dropReservations(query: Query, ids: readonly KeyId[]): Promise<void> {
  await query('DELETE FROM reservations WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(ids))
}
