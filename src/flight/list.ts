/** The downloads of every process on a cache directory, read from their directories. */

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { unlessMissing } from '../store/files.js'
import { generationsOf, keysIn, type Generation, type Owner } from './directory.js'
import { inParallel } from '../waits.js'
import { monotonic } from '../clock.js'
import { livenessOf } from '../store/process.js'
import type { KeyId } from '../store/types.js'

/** Directories read at a time: there may be thousands, and each takes a few open files. */
const AT_ONCE = 16

export type DownloadState = 'scheduled' | 'downloading'

/** One transfer in flight, of any process on this directory. */
export interface Download {
  readonly url: string
  readonly state: DownloadState
  /** Position in the queue of downloads, from 1; undefined if it is not queued. */
  readonly place?: number | undefined
  readonly received: number
  readonly length: number | undefined
  /** Connections that bring ranges in parallel; those of another process are up to a second old. */
  readonly connections?: number | undefined
  /** Readers over all processes; the counts of other processes are up to a second old. */
  readonly readers: number
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly private: boolean
}

export interface InFlight {
  readonly id: KeyId
  readonly owner: Owner
  /** The origin has answered. */
  readonly answered: boolean
  /** Bytes on disk. */
  readonly received: number
  readonly length: number | undefined
}

/** @param directory of all transfers @param known ids that are left out. Downloads of dead owners are left out too. */
export async function inFlight(directory: string, known: ReadonlySet<KeyId> = new Set()): Promise<InFlight[]> {
  const ids = (await unlessMissing(keysIn(directory))) ?? []
  const found: InFlight[] = []
  const unknown = ids.filter((id) => !known.has(id))
  await inParallel(unknown, AT_ONCE, async (id) => {
    for (const generation of await generationsOf(join(directory, id))) {
      const download = await look(id, generation)
      if (download) found.push(download)
    }
  })
  return found
}

async function look(id: KeyId, generation: Generation): Promise<InFlight | undefined> {
  const [held, ending, head, body] = await Promise.all([
    generation.owner(monotonic()),
    generation.ending(),
    generation.head(),
    unlessMissing(stat(generation.bodyPath)),
  ])
  if (!held || ending || (await livenessOf(held.owner)) === 'dead') return undefined
  return { id, owner: held.owner, answered: head !== undefined, received: body?.size ?? 0, length: head?.length }
}
