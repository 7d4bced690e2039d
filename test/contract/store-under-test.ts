/** What the contracts of the store need of an implementation. */

import type { BlobStore, Counters, Entry, EntryStore, Space } from '#kiss/store/types.js'

export interface StoreUnderTest {
  readonly entries: EntryStore
  readonly blobs: BlobStore
  readonly counters: Counters
  readonly space: Space
  /** A path for a new file that can be adopted. */
  scratch(): string
  /** Gives the store a file and its entry, as the end of a transfer does. */
  publish(file: string, entry: Entry): Promise<boolean>
  /** The same data as another process would see it. */
  reopen(): Promise<StoreUnderTest>
}

/** Every entry that the store lists. */
export async function all(entries: EntryStore): Promise<Entry[]> {
  const found: Entry[] = []
  for await (const entry of entries.list()) found.push(entry)
  return found
}
