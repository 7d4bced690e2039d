/** The name of one server, by which it knows a request that it has sent itself. */

import { randomBytes } from 'node:crypto'

/** A received-by of Via (RFC 9110 §7.6.3); all workers of a server share it. */
export function newVia(): string {
  return `kiss-${randomBytes(6).toString('hex')}`
}
