/** The reasons of failed downloads, in words for users. */

import { isErrorCode, type ErrorCode } from '../../errors.js'

/** Contains only codes that can end a download. */
const reasons: Partial<Readonly<Record<ErrorCode, string>>> = {
  'origin-refused': 'The origin says no',
  'origin-failed': 'The origin failed',
  'origin-unreachable': 'The origin is out of reach, or keeps failing',
  'origin-timeout': 'The origin took too long',
  'upstream-forbidden': 'This server may not connect there',
  'content-changed': 'The content changed during the download',
  'length-mismatch': 'The body is not as long as announced',
  'digest-mismatch': 'The content is not the promised one',
  'out-of-time': 'It took too long',
  credential: 'No credential could be made',
  quota: 'The cache has no room for it',
  disk: 'The disk of the cache failed',
  internal: 'kiss failed; see its log',
}

export function reasonOf(code: string): string {
  return (isErrorCode(code) ? reasons[code] : undefined) ?? 'The download failed'
}
