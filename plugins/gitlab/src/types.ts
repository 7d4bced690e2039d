/** The settings of one instance. */

import type { Sharing } from 'kiss-cache'
import type { TokenOrigin } from 'kiss-cache/provider-kit'
import type { Instance } from './instance.js'
import type { TokenKind } from './token.js'

export interface InstanceSettings {
  readonly instance: Instance
  /** undefined: anonymous. */
  readonly token: { readonly kind: TokenKind; readonly origin: TokenOrigin } | undefined
  /** Projects that `kiss serve` lends the token to: paths, globs, ids. */
  readonly projects: readonly string[]
  readonly share: Sharing
  /** Seconds: the lifetime of an artifact of a branch or of "latest". */
  readonly movingTtl: number
  /** Globs of refs that are tags. */
  readonly tags: readonly string[]
}
