/** A disk that is full is no reason to fail while there is something to evict. */

import { systemCode } from '../errors.js'
import type { Space } from './types.js'

/** Bytes to evict: what is tried again writes a few rows and small files. */
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
