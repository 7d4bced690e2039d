/** The token that proves that a form came from a page of this server: against requests that other sites forge (CSRF). */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Milliseconds that a form may lie open. */
const LIFETIME = 12 * 3_600_000

/**
 * A browser sends the admin token with the forms of every site, but only this server can compute the form token. It is derived
 * from the admin token, so that every worker accepts it, before and after a restart. The salt makes it different on each page,
 * so that the length of a compressed page reveals nothing.
 * @param now milliseconds since the epoch
 */
export function formToken(adminToken: string, now: number, salt = randomBytes(12).toString('hex')): string {
  const until = (now + LIFETIME).toString(36)
  return `${until}.${salt}.${mac(adminToken, until, salt)}`
}

export function isFormToken(adminToken: string, token: string, now: number): boolean {
  const [until = '', salt = '', given = ''] = token.split('.')
  const wanted = Buffer.from(mac(adminToken, until, salt))
  const shown = Buffer.from(given)
  return shown.length === wanted.length && timingSafeEqual(shown, wanted) && parseInt(until, 36) > now
}

function mac(adminToken: string, until: string, salt: string): string {
  return createHmac('sha256', adminToken).update(`kiss form ${until} ${salt}`).digest('hex')
}
