/** Interim answers of an origin, passed on to the client that waits for the final one. */

import type { IncomingMessage, ServerResponse } from 'node:http'

/** RFC 9110 §15.2: a client of HTTP/1.0 gets none. Other statuses than 102 and 103 are not passed on: node:http writes none. */
export function informing(
  message: IncomingMessage,
  response: ServerResponse,
): (status: number, fields: Readonly<Record<string, string>>) => void {
  return (status, fields) => {
    if (response.headersSent || response.destroyed || message.httpVersion !== '1.1') return
    if (status === 102) response.writeProcessing()
    if (status !== 103 || fields['link'] === undefined) return
    try {
      // Node sends nothing unless the name is lower case.
      response.writeEarlyHints({ ...fields, link: fields['link'].split(/,\s*(?=<)/) })
    } catch {
      // A Link that node:http cannot parse is left out: it is only a hint.
    }
  }
}
