/** Makes a finished body and its entry visible. */

import type { FileBlobs } from './blobs.js'
import type { CheckedBlobs } from './checked-blobs.js'
import type { Entries } from './entries.js'
import type { Removal } from './removal.js'
import { withRoom } from './slack.js'
import type { SharedSpace } from './space.js'
import type { Entry } from './types.js'

export interface Publisher {
  readonly entries: Entries
  readonly blobs: FileBlobs
  readonly checked: CheckedBlobs
  readonly space: SharedSpace
  readonly removal: Removal
}

export interface PublishOptions {
  /** The id under which space was reserved for the body; default: that of the entry. */
  readonly reservation?: string
  /** Asked when a purge that comes later can reach the body: true if one came earlier. */
  readonly isRevoked?: () => Promise<boolean>
}

/**
 * Turns a finished and summed file into the blob of `entry`, and stores the entry. False if a purge forbids it.
 *
 * 1. The reservation becomes a claim on the blob, which the ledger counts. Killed here: the ledger counts a file that is not
 *    there; the unfinished transfer is continued, or its claim reclaimed and the row evicted.
 * 2. `isRevoked` is asked. A purge marks the transfer before it cancels claims, so an earlier one is seen here, and a later
 *    one finds the claim.
 * 3. The file is renamed into place and its stamp recorded. Killed here: a blob that no entry names, counted, and evicted in
 *    its turn.
 * 4. The description is written. Killed here: as in 3; verify removes the description.
 * 5. The entry is written while the claim is there, which ends the claim. From now on clients are served from it.
 * 6. A blob that the entry named before goes, if no other entry names it. Killed before: as in 3.
 *
 * Throws KissError `disk` or `quota` if step 5 was not reached; nothing is claimed then, and the file may be gone.
 */
export async function publish(
  file: string,
  entry: Entry,
  { entries, blobs, checked, space, removal }: Publisher,
  { reservation = entry.id, isRevoked }: PublishOptions = {},
): Promise<boolean> {
  const { id, sha256, size } = entry
  let published: Awaited<ReturnType<Entries['publish']>> | undefined
  try {
    await withRoom(space, () => space.commit(id, sha256, size, reservation))
    if ((await isRevoked?.()) !== true) {
      const stamp = await withRoom(space, () => blobs.adopt(file, sha256))
      await withRoom(space, () => checked.record(sha256, stamp))
      await withRoom(space, () => blobs.describe(entry))
      published = await withRoom(space, () => entries.publish(entry))
    }
  } finally {
    if (published?.stored !== true) await withdraw(entry, reservation, { space, blobs, removal })
  }
  const previous = published?.previous
  if (previous !== undefined && previous.sha256 !== sha256) {
    // The entry is stored. A failure here leaves the state of step 3.
    await blobs.undescribe(previous.sha256, [id]).catch(() => undefined)
    await removal.dropUnnamed(previous.sha256).catch(() => undefined)
  }
  return published?.stored === true
}

/** Takes back an unfinished publication. If the index fails again, the blob stays without an entry and is evicted in its order. */
async function withdraw(
  { id, sha256 }: Entry,
  reservation: string,
  { space, blobs, removal }: Pick<Publisher, 'space' | 'blobs' | 'removal'>,
): Promise<void> {
  await space.release(reservation)
  await space.release(id)
  await blobs.undescribe(sha256, [id]).catch(() => undefined)
  await removal.dropUnnamed(sha256).catch(() => undefined)
}
