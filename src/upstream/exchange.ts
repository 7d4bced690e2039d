/** One request and its answer as `--verbose` shows them, credentials hidden. Pure. */
import { displayUrl } from '../http/urls.js'
import { toUrl } from '../http/parse-url.js'
import { printable } from '../printable.js'
import type { Headers } from './headers.js'

/** Fields of requests that hold no credential: kiss writes them, or they select a representation. */
const openInRequests =
  /^(?:accept|accept-charset|accept-encoding|accept-language|prefer|range|if-[a-z-]+|user-agent|via)$/

/** Fields of answers that decide their use or identify the server; all others may contain a cookie or a token. */
const openInAnswers =
  /^(?:accept-ranges|age|cache-control|cache-status|connection|content-(?:disposition|encoding|length|range|type)|date|etag|expires|last-modified|pragma|repr-digest|retry-after|server|transfer-encoding|vary|via|warning|x-cache)$/

export interface Sent {
  readonly method: string
  readonly url: URL
  /** Lower-case names. */
  readonly headers: Headers
  /** Displayable; undefined: the request goes straight to the host. */
  readonly proxy?: string | undefined
}

/** `> GET https://host/path`, and a line for each field. */
export function sentLines({ method, url, headers, proxy }: Sent): string {
  const through = proxy === undefined ? '' : ` through the proxy ${proxy}`
  return [`> ${method} ${displayUrl(url)}${through}`, ...fieldLines('>', headers, openInRequests)].join('\n')
}

export interface Received {
  /** The requested URL. */
  readonly url: URL
  readonly status: number
  /** Lower-case names. */
  readonly headers: Headers
}

/** `< 302 from https://host/path to https://other/path`, and a line for each field. */
export function receivedLines({ url, status, headers }: Received): string {
  const { location, ...fields } = headers
  const target = location === undefined ? undefined : toUrl(location, url)
  const to = location === undefined ? '' : ` to ${target === undefined ? '(no URL)' : displayUrl(target)}`
  return [`< ${status} from ${displayUrl(url)}${to}`, ...fieldLines('<', fields, openInAnswers)].join('\n')
}

function fieldLines(mark: string, headers: Headers, open: RegExp): string[] {
  return Object.entries(headers).map(
    ([name, value]) => `${mark}   ${name}: ${open.test(name) ? printable(value) : '(hidden)'}`,
  )
}
