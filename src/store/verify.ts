/** Hashes every blob, compares entries, files and ledger, and drops the wrong ones. Safe beside a working server. */

import { readdir, rm, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { type FileBlobs, readDescription, stampOf } from './blobs.js'
import type { CheckedBlobs } from './checked-blobs.js'
import type { Database } from './index/database.js'
import type { Entries } from './entries.js'
import { unlessMissing } from './files.js'
import { checkBody } from './hash.js'
import type { Layout } from './layout.js'
import { repairLedger, type LedgerCheck } from './ledgercheck.js'
import { inParallel } from '../waits.js'
import type { Removal } from './removal.js'
import type { KeyId, Sha256, VerifyResult } from './types.js'
import { blobFolders, fileSize, isBlobName, parseDescriptionName } from './walk.js'

/** Blobs hashed at once: SHA-256 is faster than most disks, and a working server needs the disk too. */
const HASHED_AT_ONCE = 4
/** Milliseconds for which an unknown file may be one that another process is writing. */
const STRAY_GRACE = 3_600_000

export interface VerifyOptions {
  /** Make entries anew from what stands beside the blobs. */
  readonly rebuild?: boolean
  /** Drops unfinished transfers without an owner; resolves with their paths, relative to the cache directory. */
  readonly sweepTransfers?: () => Promise<readonly string[]>
}

export interface Verified {
  readonly layout: Layout
  readonly database: Database
  readonly entries: Entries
  readonly blobs: FileBlobs
  readonly checked: CheckedBlobs
  readonly removal: Removal
  readonly ledgerCheck: LedgerCheck
  readonly clock: { now(): number }
  readonly warn: (message: string) => void
  /** Gives back the reservations of dead owners. */
  readonly reclaim: () => Promise<void>
}

interface Findings {
  checked: number
  readonly damaged: Sha256[]
  readonly orphans: string[]
  readonly dangling: string[]
}

interface Work extends Verified, Required<Pick<VerifyOptions, 'rebuild'>> {
  readonly options: VerifyOptions
  readonly found: Findings
}

/**
 * Mark and sweep, beside other processes that store and remove:
 *
 * 1. Commits and removals of dead processes are ended, so that no claim of theirs protects a blob.
 * 2. Every blob is hashed. A damaged one goes with its entries, unless the file was replaced meanwhile.
 * 3. With `rebuild`, whole blobs get back the entries that stand beside them.
 * 4. Entries whose blob is not there go, if they still name it. The others get a description where they have none.
 * 5. Blobs that no entry names go. Whether one is named, or claimed by a transfer that is about to name it, is decided in
 *    the same statement that condemns it; so no blob is too young for this.
 * 6. Old files that are neither blobs nor descriptions are removed.
 * 7. The ledger is compared with the remaining files.
 * 8. The caller sweeps the unfinished transfers.
 */
const steps: readonly ((work: Work) => Promise<void>)[] = [
  endAbandoned,
  hashBlobs,
  dropDangling,
  dropUnnamed,
  dropStrays,
  compareLedger,
  sweepTransfers,
]

export async function verify(store: Verified, options: VerifyOptions = {}): Promise<VerifyResult> {
  const found: Findings = { checked: 0, damaged: [], orphans: [], dangling: [] }
  const work: Work = { ...store, options, rebuild: options.rebuild ?? false, found }
  for (const step of steps) await step(work)
  return found
}

async function endAbandoned({ removal, ledgerCheck, reclaim }: Work): Promise<void> {
  await ledgerCheck.ensure()
  await reclaim()
  await removal.finishAbandoned()
}

async function hashBlobs(work: Work): Promise<void> {
  const { layout, blobs, found, removal, checked } = work
  for await (const { folder, names } of blobFolders(layout)) {
    const described = describedIn(names)
    const bodies = names.filter((name) => isBlobName(layout, folder, name))
    await inParallel(bodies, HASHED_AT_ONCE, async (sha256) => {
      const body = await checkBody(layout.blob(sha256), sha256)
      if (body === undefined) return
      found.checked++
      if (body.whole) {
        await checked.record(sha256, body.stamp)
        if (!work.rebuild) return
        for (const id of described.get(sha256) ?? []) await rebuildEntry(work, sha256, id, body.size)
      } else if (await isStill(layout.blob(sha256), body.stamp)) {
        found.damaged.push(sha256)
        await removal.removeBlob(sha256, { onlyUnnamed: false })
        await blobs.undescribe(sha256, described.get(sha256) ?? [])
      }
    })
  }
  if (work.rebuild) await work.ledgerCheck.noteRebuilt()
}

/** The ids of the entries that each blob serves, by the names of the files in its folder. */
function describedIn(names: readonly string[]): Map<Sha256, KeyId[]> {
  const ids = new Map<Sha256, KeyId[]>()
  for (const name of names) {
    const described = parseDescriptionName(name)
    if (described === undefined) continue
    const known = ids.get(described.sha256)
    if (known === undefined) ids.set(described.sha256, [described.id])
    else known.push(described.id)
  }
  return ids
}

/** An entry that the index has, and that is as new, is the better one. */
async function rebuildEntry({ layout, entries }: Work, sha256: Sha256, id: KeyId, size: number): Promise<void> {
  const entry = await readDescription(layout.description(sha256, id), sha256, size)
  if (entry?.id !== id) return
  const known = await entries.get(id)
  if (known === undefined || known.storedAt < entry.storedAt) await entries.set(entry)
}

async function dropDangling({ layout, entries, blobs, removal, found }: Work): Promise<void> {
  for await (const entry of entries.list()) {
    const { id, sha256, size, url } = entry
    if ((await fileSize(layout.blob(sha256))) !== size) {
      if ((await removal.removeEntry(id, sha256)) !== undefined) found.dangling.push(url)
    } else if ((await fileSize(layout.description(sha256, id))) === undefined) {
      await blobs.describe(entry)
      // Another process may have removed the entry, and its description before this one was written.
      if ((await entries.find(id))?.sha256 !== sha256) await blobs.undescribe(sha256, [id])
    }
  }
}

async function dropUnnamed({ layout, entries, blobs, removal, ledgerCheck, found, warn }: Work): Promise<void> {
  const indexLost = await ledgerCheck.indexLost()
  let spared = 0
  for await (const { folder, names } of blobFolders(layout)) {
    const described = describedIn(names)
    for (const name of names) {
      if (!isBlobName(layout, folder, name) || (await entries.isNamed(name))) continue
      if (indexLost && described.has(name)) spared++
      else if ((await removal.removeBlob(name, { onlyUnnamed: true }))?.found === true) {
        await blobs.undescribe(name, described.get(name) ?? [])
        found.orphans.push(relative(layout.root, join(folder, name)))
      }
    }
  }
  if (spared > 0)
    warn(`${spared} stored bodies lost their entries with the index; "kiss verify --rebuild" brings them back`)
}

async function dropStrays(work: Work): Promise<void> {
  const { layout } = work
  for (const name of await readdir(layout.root)) {
    if (/^VERSION\..*\.tmp$/.test(name)) await dropStray(join(layout.root, name), STRAY_GRACE, work)
  }
  const indexLost = await work.ledgerCheck.indexLost()
  for await (const { folder, names } of blobFolders(layout)) {
    const present = new Set(names)
    for (const name of names) {
      if (isBlobName(layout, folder, name)) continue
      const path = join(folder, name)
      const described = parseDescriptionName(name)
      if (described === undefined) await dropStray(path, STRAY_GRACE, work)
      else if (!present.has(described.sha256)) await dropStray(path, 0, work)
      else if (!indexLost && (await work.entries.get(described.id))?.sha256 !== described.sha256) {
        // It is written before its entry.
        await dropStray(path, STRAY_GRACE, work)
      }
    }
  }
}

async function dropStray(path: string, grace: number, { layout, clock, found }: Work): Promise<void> {
  const modified = await modifiedAt(path)
  if (modified === undefined || (grace > 0 && Math.abs(clock.now() - modified) < grace)) return
  await rm(path, { force: true })
  found.orphans.push(relative(layout.root, path))
}

async function compareLedger({ layout, database }: Work): Promise<void> {
  await repairLedger(layout, database)
}

async function sweepTransfers({ options, found }: Work): Promise<void> {
  found.orphans.push(...((await options.sweepTransfers?.()) ?? []))
}

async function isStill(path: string, stamp: string): Promise<boolean> {
  const stats = await unlessMissing(stat(path))
  return stats !== undefined && stampOf(stats) === stamp
}

/** Milliseconds since the epoch; undefined if the path does not lead to a regular file. */
async function modifiedAt(path: string): Promise<number | undefined> {
  const stats = await unlessMissing(stat(path))
  return stats?.isFile() === true ? stats.mtimeMs : undefined
}
