/** Which of a client's headers may go on to an origin: cache rule 10. Pure. */

/** Passed on where the request does not name others: what origins of CI artifacts take as a credential. */
export const defaultPassedHeaders: readonly string[] = ['authorization', 'private-token', 'job-token', 'authentication']

/** Never passed on, whoever asks for it; lower case. */
const refusedNames = new Set([
  // Of this connection and this hop, RFC 9110 §7.6.1.
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'max-forwards',
  // What kiss itself asks with; a client's would change which bytes are stored.
  'host',
  'range',
  'expect',
  'via',
  'forwarded',
  'cdn-loop',
  'x-real-ip',
  // Another method or URL than the one that was checked.
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-url',
  'x-original-host',
  'x-rewrite-url',
  'x-host',
])

/** `x-kiss-` holds kiss's own tokens. */
const refusedPrefixes = ['if-', 'accept', 'content-', 'x-forwarded-', 'x-kiss-']

/** RFC 9110 §5.1: a field name is a token. */
const token = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/

/** May a header of this name (lower case) go to an origin? */
export function isPassable(name: string): boolean {
  return token.test(name) && !refusedNames.has(name) && !refusedPrefixes.some((prefix) => name.startsWith(prefix))
}

/** The names of a `passheaders=A,B` parameter, lower case, as far as they may be passed on. */
export function parsePassedNames(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter(isPassable)
}

/**
 * The headers of a client that go on: those named, without those that its Connection field claims for this hop.
 * @param headers lower-case names
 */
export function passedHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  names: readonly string[],
): Record<string, string> {
  const hop = new Set(
    String(headers['connection'] ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase()),
  )
  const passed: Record<string, string> = {}
  for (const name of names) {
    const value = headers[name]
    if (value === undefined || !isPassable(name) || hop.has(name)) continue
    passed[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return passed
}
