/** The name of one server in Via, by which it recognises its own requests. */

import { randomBytes } from 'node:crypto'

/** A received-by of Via (RFC 9110 §7.6.3); all workers of a server share it. */
export function newVia(): string {
  return `kiss-${randomBytes(6).toString('hex')}`
}
