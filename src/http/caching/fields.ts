/** Which fields of an answer are stored and passed on, and which of a request go on to the origin. Pure. */

import type { RequestHeaders } from '../validation.js'
import type { Fields } from './types.js'

/** RFC 9111 §3.1, RFC 9110 §7.6.1: fields of one connection or one proxy. */
const ofTheHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Fields that act on the whole origin in a browser, which would be this cache and not the origin that sent them: cookies, HSTS,
 * Clear-Site-Data, CORS grants, reporting endpoints.
 */
const actingOnOurName =
  /^(set-cookie|strict-transport-security|clear-site-data|alt-svc|service-worker-allowed|access-control-.*|nel|report-to|reporting-endpoints|accept-ch|critical-ch|origin-agent-cluster|set-login|sourcemap|refresh|content-disposition|content-security-policy|content-security-policy-report-only|x-content-type-options|cache-status|server-timing)$/

function namedIn(connection: string | undefined): ReadonlySet<string> {
  return new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
}

/** The fields of an answer that are stored, and passed on. */
export function keptFields(fields: Fields): Fields {
  const hop = namedIn(fields['connection'])
  return Object.fromEntries(
    Object.entries(fields).filter(([name]) => !ofTheHop.has(name) && !hop.has(name) && !actingOnOurName.test(name)),
  )
}

/** Fields of a request that name a forwarder, claim an address, override the method or URL, or belong to a body or to kiss. */
const ofTheRequestAlone =
  /^(host|:.*|http2-settings|via|cdn-loop|forwarded|x-forwarded(-.*)?|max-forwards|x-real-ip|x-client-ip|client-ip|true-client-ip|x-cluster-client-ip|cf-connecting-ip|x-originating-ip|x-http-method(-override)?|x-method-override|x-original-(method|url|uri|host)|x-rewrite-(url|uri)|x-host|x-kiss(-.*)?|content-.*|expect|a-im)$/

/** The end-to-end fields of a request (RFC 9110 §7.6.1), as far as they may go to an origin. */
export function forwardedFields(headers: RequestHeaders): Fields {
  const hop = namedIn(headers['connection'] === undefined ? undefined : String(headers['connection']))
  const forwarded: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || ofTheHop.has(name) || hop.has(name) || ofTheRequestAlone.test(name)) continue
    forwarded[name] = Array.isArray(value) ? value.join(name === 'cookie' ? '; ' : ', ') : value
  }
  return forwarded
}

export function withoutFields(fields: Fields, ...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))
}

/** Fields that a 304 does not replace: they describe the stored bytes (RFC 9111 §3.2). */
const ofTheBody = /^content-(length|encoding|range)$/

/** RFC 9111 §3.2: the fields of a stored answer after one that confirms it. */
export function updatedFields(stored: Fields, confirming: Fields): Fields {
  const anew = Object.entries(keptFields(confirming)).filter(([name]) => !ofTheBody.test(name))
  // The Age of the stored answer does not apply after its confirmation.
  return { ...withoutFields(stored, 'age'), ...Object.fromEntries(anew) }
}
