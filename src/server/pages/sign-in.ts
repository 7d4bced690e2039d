/** Makes a browser ask its user for the admin token. The browser then sends the token with every page. */

import { problemReply } from '../problem.js'
import type { Route } from '../route.js'

export const signInRoute: Route = {
  // The path is not in a folder, because a browser sends the token to all paths in the same folder (RFC 7617 §2.2).
  path: /^\/sign-in$/,
  guard: 'client',
  handlers: {
    GET: ({ role }, { access }) => {
      if (role === 'admin') return { status: 303, headers: { Location: '/', 'Cache-Control': 'no-store' } }
      if (!access.hasAdmin) {
        return problemReply({ status: 404, code: 'not-found', detail: 'this server has no admin token' })
      }
      const headers = { 'WWW-Authenticate': 'Basic realm="kiss", charset="UTF-8"' }
      const detail = 'the admin token is the password; the name does not matter'
      return problemReply({ status: 401, code: 'client-forbidden', detail, headers })
    },
  },
}
