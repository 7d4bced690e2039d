/** The settings of one GitHub: github.com or an Enterprise server. */

import type { Place } from './place.js'
import type { TokenOrigin } from './token.js'

export type Share = 'all' | 'probe' | 'never'

export interface HostSettings {
  readonly place: Place
  /** undefined: anonymous. */
  readonly token: TokenOrigin | undefined
  /** Repositories that `kiss serve` lends the token to: `owner/name` and globs. */
  readonly repositories: readonly string[]
  readonly share: Share
  /** Seconds: the lifetime of content that a branch or "latest" names. */
  readonly movingTtl: number
  /** Globs of refs that are tags. */
  readonly tags: readonly string[]
}
