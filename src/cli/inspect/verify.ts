/** The text of `kiss verify`. Pure. */

import type { VerifyResult } from '../../engine/types.js'
import { KissError } from '../../errors.js'

export function verifyLines({ checked, damaged, orphans, dangling }: VerifyResult): string[] {
  return [
    `checked ${checked} ${checked === 1 ? 'blob' : 'blobs'}`,
    ...damaged.map((sha256) => `damaged, dropped: ${sha256}`),
    ...dangling.map((url) => `without its blob, dropped: ${url}`),
    ...orphans.map((file) => `orphan, removed: ${file}`),
  ]
}

/** undefined where every blob was what its name says. */
export function verifyFailure({ damaged }: VerifyResult): KissError | undefined {
  if (damaged.length === 0) return undefined
  const blobs = damaged.length === 1 ? '1 blob was' : `${damaged.length} blobs were`
  return new KissError('digest-mismatch', `${blobs} damaged and dropped`, { hint: 'the next fetch downloads anew' })
}
