/** Digest fields, RFC 9530: the sum of a body in headers. Pure. */

/** `sha-256=:…:` for a sum in hex (RFC 9530 §3; the value is a byte sequence of RFC 9651 §3.3.5). */
export function formatReprDigest(sha256: string): string {
  return `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`
}

/** Lower-case hex of the sha-256 member of a Repr-Digest or Content-Digest field; undefined where there is none. */
export function parseReprDigest(value: string | undefined): string | undefined {
  const match = /(?:^|,)[\t ]*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(value ?? '')
  return match?.[1] === undefined ? undefined : Buffer.from(match[1], 'base64').toString('hex')
}

/** A sum as people and tools write it: 64 hex digits, in any case; undefined for anything else. */
export function parseSha256(text: string): string | undefined {
  return /^[0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : undefined
}

/** Our own entity tag for a body without the origin's: strong, because it is the sum of the bytes. */
export function ownEntityTag(sha256: string): string {
  return `"sha256-${sha256}"`
}
