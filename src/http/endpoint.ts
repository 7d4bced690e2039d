/** Addresses of a kiss server, and what may be sent there. Pure. */

import { isIP } from 'node:net'
import { KissError } from '../errors.js'
import { carriesCredential, displayUrl } from './urls.js'

/** An address of the API; the server may be below a path of another site. */
export function endpoint(server: URL, path: string, query: Readonly<Record<string, string | undefined>> = {}): URL {
  const url = new URL(server)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/${path}`
  url.search = ''
  url.hash = ''
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  )
  if (given.length > 0) url.search = given.join('&')
  return url
}

/** The credentials that are sent to the server with URLs. */
export interface SentAlong {
  readonly urls: readonly URL[]
  /** Any header may be a credential. */
  readonly headers: Readonly<Record<string, string>>
  /** A token of the server. */
  readonly token: string | undefined
}

/** @throws KissError `usage` if a credential would be sent unencrypted over the network */
export function refuseOpenCredentials(server: URL, { urls, headers, token }: SentAlong): void {
  if (isConfidential(server)) return
  const secret = token !== undefined || server.username !== '' || server.password !== '' || urls.some(carriesCredential)
  if (!secret && Object.keys(headers).length === 0) return
  const what = secret ? 'a credential' : 'headers'
  throw new KissError('usage', `${what} would go to ${displayUrl(server)} unencrypted`, {
    hint: 'use an https address of the server, or go without --server',
  })
}

/** Is the connection encrypted, or does it stay on this machine? */
export function isConfidential({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:') return true
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
