/** Makes a browser ask its user for the admin token. The browser then sends the token with every page. */

import { wantsPage } from '../incoming.js'
import { problemReply } from '../problem.js'
import type { Reply } from '../reply.js'
import { html } from './html.js'
import type { Page } from './layout.js'
import { missingPage } from './missing.js'
import { type PageContext, seeOther } from './site.js'

/** The path is not in a folder, because a browser sends the token to all paths in the same folder (RFC 7617 §2.2). */
export const signInPath = /^\/sign-in$/

/** A browser shows the page when its user gives no token. */
export function signInPage(context: PageContext): Page | Reply {
  const { request, services } = context
  if (request.role === 'admin') return seeOther('/')
  if (!services.access.hasAdmin) return missingPage(context)
  const challenge = 'Basic realm="kiss", charset="UTF-8"'
  if (!wantsPage(request)) {
    const detail = 'the admin token is the password; the name does not matter'
    const headers = { 'WWW-Authenticate': challenge }
    return problemReply({ status: 401, code: 'client-forbidden', detail, headers })
  }
  return {
    status: 401,
    challenge,
    title: 'Not signed in',
    current: '',
    body: html`<p>The password is the admin token of this server; the user name does not matter.</p>
      <p><a href="/sign-in">Try again</a>, <a href="/">overview</a></p>`,
  }
}
