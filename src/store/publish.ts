/** How a finished body and its entry become visible. */

import type { FileBlobs } from './blobs.js'
import type { Entries } from './entries.js'
import type { Removal } from './removal.js'
import type { SharedSpace } from './space.js'
import type { Entry } from './types.js'

export interface PublishOptions {
  readonly entries: Entries
  readonly blobs: FileBlobs
  readonly space: SharedSpace
  readonly removal: Removal
}

/**
 * Turns a finished, summed and synced file into the blob of `entry`, and stores the entry.
 *
 * 1. The reservation becomes a blob in the ledger and a claim on it. Killed here: the ledger counts a file that is not
 *    there; the unfinished transfer is continued, or its claim reclaimed and the row evicted.
 * 2. The file is renamed into place. Killed here: a blob that no entry names, counted, and evicted in its turn.
 * 3. The entry is written, which ends the claim. Only now can anybody be served from it. Killed here: everything is there but
 *    the description, which is for the day the index is lost.
 * 4. The description is written.
 * 5. A blob that the entry named before goes, if no other entry names it. Killed before: as in 2.
 */
export async function publish(file: string, entry: Entry, options: PublishOptions): Promise<void> {
  const { entries, blobs, space, removal } = options
  await space.commit(entry.id, entry.sha256, entry.size)
  await blobs.adopt(file, entry.sha256)
  const previous = await entries.replace(entry)
  await removal.describe(entry.sha256)
  if (previous !== undefined && previous.sha256 !== entry.sha256) await removal.dropUnnamed(previous.sha256)
}
