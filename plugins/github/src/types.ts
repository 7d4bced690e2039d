/** The settings of one GitHub: github.com or an Enterprise server. */

import type { Sharing } from 'kiss-cache'
import type { TokenOrigin } from 'kiss-cache/provider-kit'
import type { Place } from './place.js'

export interface HostSettings {
  readonly place: Place
  /** undefined: anonymous. */
  readonly token: TokenOrigin | undefined
  /** Repositories that `kiss serve` lends the token to: `owner/name` and globs. */
  readonly repositories: readonly string[]
  readonly share: Sharing
  /** Seconds: the lifetime of content that a branch or "latest" names. */
  readonly movingTtl: number
  /** Globs of refs that are tags. */
  readonly tags: readonly string[]
}
