/** The answer to bytes that are no request: a problem, where that of node:http is a status line alone. */

import { STATUS_CODES, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { problemReply, type Problem } from './problem.js'

/** An error of the parser or of the timeouts of node:http. */
interface Unreadable extends NodeJS.ErrnoException {
  /** The message of the parser. */
  readonly reason?: string
}

/** The response whose turn it is on a connection, which only node:http itself knows. */
interface Answering {
  readonly _httpMessage?: { readonly headersSent: boolean } | null
}

/** @param headerSize bytes of request line and headers */
export function explainUnreadable(server: Pick<Server, 'on'>, headerSize: number): void {
  server.on('clientError', (error: Unreadable, socket) => {
    // As node:http does: no second answer goes behind one that has begun. A connection that broke can take none.
    const answering = (socket as Socket & Answering)._httpMessage?.headersSent === true
    if (socket.writable && !answering) socket.write(textOf(problemFor(error, headerSize)))
    socket.destroy(error)
  })
}

function problemFor({ code, reason }: Unreadable, headerSize: number): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, code: 'usage', detail: `request line and headers may have ${headerSize} bytes` }
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, code: 'usage', detail: 'the extensions of a chunk are too long' }
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, code: 'usage', detail: 'the request did not come in time' }
    default: {
      const detail = `this is no request of HTTP/1.1${reason === undefined ? '' : `: ${reason}`}`
      const hint = code === 'HPE_INVALID_URL' ? 'percent-encode what is not ASCII in the URL' : undefined
      return { status: 400, code: 'usage', detail, hint }
    }
  }
}

function textOf(problem: Problem): string {
  const { status, headers, body } = problemReply(problem)
  const fields = { Server: 'kiss', ...headers, 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n')
}
