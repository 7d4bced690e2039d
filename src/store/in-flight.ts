/** The downloads of every process on a cache directory, read from their directories. */

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../errors.js'
import { generationsOf, type Generation, type Owner } from './generations.js'
import { livenessOf } from './process.js'
import type { KeyId } from './types.js'

export interface InFlight {
  readonly id: KeyId
  readonly owner: Owner
  /** The origin has answered. */
  readonly answered: boolean
  /** Bytes on disk. */
  readonly received: number
  readonly length: number | undefined
}

/** Of owners that are not dead; `directory` is that of all transfers. */
export async function inFlight(directory: string, now: number): Promise<InFlight[]> {
  const ids = (await unlessMissing(readdir(directory))) ?? []
  const found = await Promise.all(
    ids.map(async (id) => {
      const generations = await generationsOf(join(directory, id))
      return Promise.all(generations.map((generation) => look(id, generation, now)))
    }),
  )
  return found.flat().filter((download) => download !== undefined)
}

async function look(id: KeyId, generation: Generation, now: number): Promise<InFlight | undefined> {
  const [held, outcome, head, body] = await Promise.all([
    generation.owner(now),
    generation.outcome(),
    generation.head(),
    unlessMissing(stat(generation.bodyPath)),
  ])
  if (!held || outcome || (await livenessOf(held.owner)) === 'dead') return undefined
  return { id, owner: held.owner, answered: head !== undefined, received: body?.size ?? 0, length: head?.length }
}

async function unlessMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}
