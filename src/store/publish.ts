/** How a finished body and its entry become visible. */

import type { FileBlobs } from './blobs.js'
import type { Entries } from './entries.js'
import type { Removal } from './removal.js'
import { withRoom } from './room.js'
import type { SharedSpace } from './space.js'
import type { Entry } from './types.js'

export interface PublishOptions {
  readonly entries: Entries
  readonly blobs: FileBlobs
  readonly space: SharedSpace
  readonly removal: Removal
}

/**
 * Turns a finished and summed file into the blob of `entry`, and stores the entry.
 *
 * 1. The reservation becomes a claim on the blob, which the ledger counts. Killed here: the ledger counts a file that is not
 *    there; the unfinished transfer is continued, or its claim reclaimed and the row evicted.
 * 2. The file is renamed into place. Killed here: a blob that no entry names, counted, and evicted in its turn.
 * 3. The entry is written, which ends the claim. Only now can anybody be served from it. Killed here: everything is there but
 *    the description, which is for the day the index is lost, and which verify writes.
 * 4. The description is written.
 * 5. A blob that the entry named before goes, if no other entry names it. Killed before: as in 2.
 *
 * Throws KissError `disk` or `quota` when it did not come to 3; nothing is claimed then, and the file may be gone.
 */
export async function publish(file: string, entry: Entry, options: PublishOptions): Promise<void> {
  const { entries, blobs, space, removal } = options
  let previous: Entry | undefined
  try {
    await withRoom(space, () => space.commit(entry.id, entry.sha256, entry.size))
    await withRoom(space, () => blobs.adopt(file, entry.sha256))
    previous = await withRoom(space, () => entries.replace(entry))
  } catch (error) {
    await space.release(entry.id)
    // Where the index fails again the blob stays, unnamed: evicted in its turn.
    await removal.dropUnnamed(entry.sha256).catch(() => undefined)
    throw error
  }
  try {
    await removal.describe(entry.sha256)
    if (previous !== undefined && previous.sha256 !== entry.sha256) await removal.dropUnnamed(previous.sha256)
  } catch {
    // The entry is stored, which is what was asked for. What is missing is as in 3 and 5.
  }
}
