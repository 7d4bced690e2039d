/**
 * The statements of the ledger of bytes: the sizes of blobs, the reservations of transfers, the removals under way.
 *
 * A reservation promises room for a whole body, and grants the bytes that may be written now. Granted bytes and blobs together
 * never exceed the quota. For as long as bytes arrive, a promise refuses other downloads that would not fit beside it; it
 * evicts nothing.
 */

import type { Query } from './index/connection.js'
import type { Candidate, Room } from './eviction.js'
import { pinnedBlobs, pinnedEntries } from './pins.js'
import { COST, costOfBody, ENTRIES, ENTRY_COST, ENTRY_SHA256, USED } from './index/schema.js'
import type { KeyId, Sha256 } from './types.js'

/** The reservation of one transfer, or the blob that it claims. */
export interface Reservation {
  readonly id: KeyId
  /** 0 for a claim, because the blob counts already. */
  readonly bytes: number
  /** The blob of a claim, whose entry is not written yet; null for a reservation. */
  readonly sha256: Sha256 | null
  /** The process that made it, by the name that it gave to the store. */
  readonly owner: string
}

/** Milliseconds without a new byte after which a promise lapses. */
export const PROMISE_PATIENCE = 3_000

const QUOTA = `(SELECT value FROM settings WHERE name = 'quota')`
const granted = `CASE granted WHEN 0 THEN 0 ELSE ${costOfBody('granted')} END`

/** Bytes that the reservations of others than `id` are granted. */
const grantedTo = (others: string) => `(SELECT coalesce(sum(${granted}), 0) FROM reservations WHERE ${others})`

/** Bytes that they are promised at the time `now`; a time in the future counts as long ago. */
const promisedTo = (others: string, now: string) => `(SELECT coalesce(sum(
  CASE WHEN at BETWEEN ${now} - ${PROMISE_PATIENCE} AND ${now} THEN ${costOfBody('bytes')} ELSE ${granted} END), 0)
  FROM reservations WHERE ${others})`

/** The fields of the objects in a JSON list, as the rows of a query. */
const columns = (...names: readonly string[]) =>
  `SELECT ${names.map((name) => `json_extract(value, '$.${name}')`).join(', ')} FROM json_each(?1)`

export interface Request {
  /** Of the reservation. */
  readonly id: string
  /** Of the whole body, as far as it is known. */
  readonly bytes: number
  /** Bytes that may be written now. */
  readonly ahead: number
  readonly owner: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * Makes all reservations, or none: their sum cannot change between the check and the write of one statement. Resolves with the
 * quota beside which they were made, null without one; undefined if they were not made.
 */
export async function tryReserve(
  query: Query,
  requests: readonly Request[],
): Promise<{ readonly quota: number | null } | undefined> {
  const rows = await query<{ quota: number | null }>(
    `WITH asked (id, bytes, ahead, owner, at) AS (${columns('id', 'bytes', 'ahead', 'owner', 'now')})
      INSERT INTO reservations (id, bytes, granted, owner, at) SELECT id, bytes, ahead, owner, at FROM asked
      WHERE ${QUOTA} IS NULL
        OR (${promisedTo('id NOT IN (SELECT id FROM asked)', '(SELECT max(at) FROM asked)')}
            + (SELECT sum(${costOfBody('bytes')}) FROM asked) <= ${QUOTA}
          AND ${USED} + ${grantedTo('id NOT IN (SELECT id FROM asked)')}
            + (SELECT sum(CASE ahead WHEN 0 THEN 0 ELSE ${costOfBody('ahead')} END) FROM asked) <= ${QUOTA})
      ON CONFLICT (id) DO UPDATE
        SET bytes = excluded.bytes, granted = excluded.granted, owner = excluded.owner, at = excluded.at
      RETURNING ${QUOTA} AS quota`,
    JSON.stringify(requests),
  )
  return rows[0]
}

/** undefined: no quota. */
export async function readRoom(query: Query, id: string, now: number): Promise<Room | undefined> {
  const [row] = await query<{ quota: number | null } & Omit<Room, 'quota'>>(
    `SELECT ${QUOTA} AS quota, ${USED} - leaving AS kept, leaving,
        ${grantedTo('id <> ?1')} AS granted, ${promisedTo('id <> ?1', '?2')} AS promised,
        (SELECT coalesce(sum(${COST}), 0) FROM blobs WHERE sha256 IN (${pinnedBlobs('?2')})) AS pinned
      FROM (SELECT coalesce(sum(${COST}), 0) AS leaving FROM blobs WHERE doomed IS NOT NULL)`,
    id,
    now,
  )
  return row === undefined || row.quota === null ? undefined : { ...row, quota: row.quota }
}

/** Bytes that count: the blobs, and the granted bytes of the reservations. */
export async function readCounted(query: Query, without = ''): Promise<number> {
  const [row] = await query<{ n: number }>(`SELECT ${USED} + ${grantedTo('id <> ?1')} AS n`, without)
  return row?.n ?? 0
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
    `SELECT (SELECT coalesce(sum(size), 0) FROM blobs) AS blobs,
      (SELECT coalesce(sum(bytes), 0) FROM reservations) AS reserved`,
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

/** A commit, and whether it may claim a blob that another process is removing. */
export type Claim = Commit & { readonly anyway: boolean }

/**
 * The first half of a commit: the transfer claims the blob, so that no process can begin to remove it. Resolves with the ids of
 * the claims that were made: not while a process is removing the blob, unless `anyway`.
 */
export async function tryClaim(query: Query, claims: readonly Claim[]): Promise<KeyId[]> {
  const rows = await query<{ id: KeyId }>(
    `WITH asked (sha256, id, owner, anyway) AS (${columns('sha256', 'id', 'owner', 'anyway')})
      INSERT INTO claims (sha256, id, owner) SELECT sha256, id, owner FROM asked
      WHERE anyway OR NOT EXISTS (SELECT 1 FROM blobs WHERE sha256 = asked.sha256 AND doomed IS NOT NULL)
      ON CONFLICT (sha256, id) DO UPDATE SET owner = excluded.owner
      RETURNING id`,
    JSON.stringify(claims),
  )
  return rows.map(({ id }) => id)
}

/**
 * The second half of the commits, of all or none: in one statement the blobs begin to count and the reservations end. False if
 * that would exceed the quota.
 */
export async function countClaimed(query: Query, commits: readonly Commit[]): Promise<boolean> {
  const rows = await query(
    `WITH asked (reservation, sha256, size) AS (${columns('reservation', 'sha256', 'size')})
      INSERT INTO blobs (sha256, size, last_used, brought_by) SELECT sha256, size, 0, reservation FROM asked
      WHERE ${QUOTA} IS NULL OR ${USED} + ${grantedTo('id NOT IN (SELECT reservation FROM asked)')}
        + (SELECT sum(CASE WHEN EXISTS (SELECT 1 FROM blobs WHERE sha256 = asked.sha256 AND size >= asked.size)
            THEN ${ENTRY_COST} ELSE ${costOfBody('size')} END) FROM asked) <= ${QUOTA}
      ON CONFLICT (sha256) DO UPDATE SET size = excluded.size, brought_by = excluded.brought_by, doomed = NULL
      RETURNING sha256`,
    JSON.stringify(commits),
  )
  return rows.length > 0
}

/** Least recently used first; without those that are pinned, claimed or being removed. */
export async function evictable(query: Query, limit: number, now: number): Promise<Candidate[]> {
  return query<Candidate>(
    `SELECT sha256, ${COST} AS cost, last_used AS lastUsedAt FROM blobs
      WHERE doomed IS NULL AND sha256 NOT IN (SELECT sha256 FROM claims)
        AND sha256 NOT IN (${pinnedBlobs('?2')})
      ORDER BY last_used LIMIT ?1`,
    limit,
    now,
  )
}

/** Uses in the future were noted before the clock was set back. They count as uses of now, so that their blobs age as others do. */
export async function boundUses(query: Query, now: number): Promise<void> {
  await query('UPDATE blobs SET last_used = ?1 WHERE last_used > ?1', now)
}

/** Entries of blobs that cannot be evicted because they are claimed, least recently used first. */
export async function evictableEntries(
  query: Query,
  limit: number,
  now: number,
): Promise<{ id: KeyId; sha256: Sha256 }[]> {
  return query(
    `SELECT key AS id, ${ENTRY_SHA256} AS sha256 FROM ${ENTRIES}
      WHERE ${ENTRY_SHA256} IN (SELECT sha256 FROM claims)
        AND NOT EXISTS (SELECT 1 FROM claims WHERE claims.id = ${ENTRIES}.key)
        AND key NOT IN (${pinnedEntries('?2')})
      ORDER BY json_extract(value, '$.value.lastUsedAt') LIMIT ?1`,
    limit,
    now,
  )
}

export interface Doomed {
  /** Bytes. */
  readonly size: number
  readonly cost: number
}

/**
 * Makes the caller the only remover of the blob. undefined if it is claimed, another process is removing it, or (unless
 * `named`) an entry names it. The ledger need not know the blob. Resolves with the size of the blob and its cost.
 */
export async function doom(query: Query, sha256: Sha256, now: number, named: boolean): Promise<Doomed | undefined> {
  const [row] = await query<Doomed>(
    `INSERT INTO blobs (sha256, size, last_used, doomed) SELECT ?1, 0, ?2, ?2
      WHERE NOT EXISTS (SELECT 1 FROM claims WHERE sha256 = ?1)
        AND (?3 OR NOT EXISTS (SELECT 1 FROM ${ENTRIES} WHERE ${ENTRY_SHA256} = ?1))
      ON CONFLICT (sha256) DO UPDATE SET doomed = ?2 WHERE doomed IS NULL
      RETURNING size, ${COST} AS cost`,
    sha256,
    now,
    named ? 1 : 0,
  )
  return row
}

/**
 * Takes over the removals that began before `before` (milliseconds since the epoch) and did not end. A time in the future was
 * written before the clock was set back: such removals are taken over too.
 */
export async function takeOverDoomed(query: Query, before: number, now: number): Promise<Sha256[]> {
  const rows = await query<{ sha256: Sha256 }>(
    `UPDATE blobs SET doomed = ?2 WHERE doomed < ?1 OR doomed > ?2 RETURNING sha256`,
    before,
    now,
  )
  return rows.map((row) => row.sha256)
}

/** Removes the row of a blob that is gone, unless it was stored again or taken over by another remover since `doomed`. */
export async function strike(query: Query, sha256: Sha256, doomed: number): Promise<void> {
  await query('DELETE FROM blobs WHERE sha256 = ? AND doomed = ?', sha256, doomed)
}

/** Cancels the commits under these ids or keys, or all commits. */
export async function cancelClaims(query: Query, ids: Iterable<KeyId> | undefined): Promise<void> {
  const given = ids === undefined ? null : JSON.stringify([...ids])
  await query(
    `DELETE FROM claims WHERE ?1 IS NULL OR id IN (SELECT value FROM json_each(?1))
      OR substr(id, 1, 64) IN (SELECT value FROM json_each(?1))`,
    given,
  )
}

export async function readReservations(query: Query): Promise<Reservation[]> {
  return query<Reservation>(
    `SELECT id, bytes, NULL AS sha256, owner FROM reservations UNION ALL SELECT id, 0, sha256, owner FROM claims`,
  )
}

/** Drops the reservation as it was read, and leaves that of a new owner. */
export async function dropReservation(query: Query, { id, owner, bytes, sha256 }: Reservation): Promise<boolean> {
  const rows =
    sha256 === null
      ? await query('DELETE FROM reservations WHERE id = ? AND owner = ? AND bytes = ? RETURNING id', id, owner, bytes)
      : await query('DELETE FROM claims WHERE id = ? AND owner = ? AND sha256 = ? RETURNING id', id, owner, sha256)
  return rows.length > 0
}

/** Also removes the claims of these keys. */
export async function dropReservations(query: Query, ids: readonly KeyId[]): Promise<void> {
  for (const table of ['reservations', 'claims']) {
    await query(`DELETE FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`, JSON.stringify(ids))
  }
}

/** Drops the reservations and claims of other boots, whose processes have ended. */
export async function dropOtherBoots(query: Query, boot: string): Promise<void> {
  for (const table of ['reservations', 'claims']) {
    await query(`DELETE FROM ${table} WHERE json_valid(owner) AND json_extract(owner, '$.boot') <> ?`, boot)
  }
}
