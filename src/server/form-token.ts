/** The token that proves that a form came from a page of this server: against requests that other sites forge (CSRF). */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Milliseconds that a form may lie open. */
const LIFETIME = 12 * 3_600_000

/**
 * A browser sends the admin token along whoever made the form, but nobody else can compute this from it. It is made of the
 * admin token, so that every worker knows it, before and after a restart. The salt makes it another one on each page: the
 * length of a compressed page tells nothing of it.
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
