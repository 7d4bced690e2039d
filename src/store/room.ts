/** Evicts and tries again when the disk is full. */

import { systemCode } from '../errors.js'
import type { Space } from './types.js'

/** Bytes to evict: the step that is repeated writes a few rows and small files. */
const ELBOW_ROOM = 1024 * 1024

/** `step` may run twice. */
export async function withRoom<T>(space: Pick<Space, 'evict'>, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(systemCode(error) ?? '')) throw error
    if ((await space.evict(ELBOW_ROOM)) === 0) throw error
    return step()
  }
}
