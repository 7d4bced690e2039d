/** A request of node:http in the form for handlers. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { KissError } from '../errors.js'
import type { Access } from './access.js'
import type { Incoming } from './route.js'

export interface IncomingContext {
  readonly access: Access
  readonly tls: boolean
  readonly newId: () => string
  readonly signal: AbortSignal
  readonly inform: Incoming['inform']
  /** Where the request has no Host: `127.0.0.1:8001`. */
  readonly authority: string
}

export function readIncoming(message: IncomingMessage, context: IncomingContext): Incoming {
  const { headers, socket } = message
  const { path, query, authority } = splitTarget(message.url ?? '/')
  // RFC 9112 §3.2.2: the authority of an absolute target overrides Host.
  const host = oneHost(message) ?? authority
  const own = host === undefined ? headers : { ...headers, host }
  const peer = socket.remoteAddress
  const client = context.access.clientOf(peer, headers)
  const proxied = context.access.isProxy(peer)
  const tls = context.tls || (proxied && headers['x-forwarded-proto'] === 'https')
  return {
    id: requestId(headers['x-request-id']) ?? context.newId(),
    method: message.method ?? 'GET',
    path,
    query,
    params: [],
    version: message.httpVersion,
    headers: own,
    client,
    proxied,
    role: context.access.isAdmin(headers) ? 'admin' : 'anyone',
    base: `${tls ? 'https' : 'http'}://${own.host ?? context.authority}/`,
    form: () => readForm(message),
    signal: context.signal,
    inform: context.inform,
    notes: {},
  }
}

/** A browser asks for HTML; programs get problems as JSON. */
export function wantsPage({ headers }: Incoming): boolean {
  return (headers.accept ?? '').includes('text/html')
}

/** Bytes: the forms of the pages hold a few names. */
const longestForm = 16_384

async function readForm(message: IncomingMessage): Promise<URLSearchParams> {
  const [type] = (message.headers['content-type'] ?? '').split(';')
  if (type?.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    throw new KissError('usage', 'this takes a form: application/x-www-form-urlencoded', { status: 415 })
  }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > longestForm) throw new KissError('usage', `a form may have ${longestForm} bytes`, { status: 413 })
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

/**
 * RFC 9112 §3.2: two Host fields are 400. node:http keeps the first, and a proxy may have used the second, so both are joined
 * to a name that matches no host. undefined: there is one field, or none.
 */
function oneHost({ headersDistinct: { host = [] } }: IncomingMessage): string | undefined {
  return host.length > 1 ? host.join(', ') : undefined
}

/** Path, query and, in a target of absolute form, the authority (RFC 9112 §3.2). */
function splitTarget(target: string): { path: string; query: string; authority: string | undefined } {
  const absolute = /^https?:\/\/([^/?#]*)/i.exec(target)
  const rest = (absolute === null ? target : target.slice(absolute[0].length)).replace(/#.*$/s, '')
  const mark = rest.indexOf('?')
  // `http://kiss:8001/` joined with `/api` by hand gives two slashes.
  const path = (mark === -1 ? rest : rest.slice(0, mark)).replace(/^\/{2,}/, '/')
  return {
    path: path === '' ? '/' : path,
    query: mark === -1 ? '' : rest.slice(mark + 1),
    authority: absolute?.[1],
  }
}

/** An id that a client chose, if it can stand in a header and a log line as it is. */
export function requestId(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && /^[\w.~:@/+=-]{1,128}$/.test(value) ? value : undefined
}

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
