/** Object keys in URLs: decoded once, encoded for the wire. Pure. */

/** Bucket names of today, those of the early days (capitals, underscores), and nothing that means something in a path. */
export function isBucket(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/.test(text)
}

/**
 * May this key be asked for? An empty one names the bucket; one with a `.` or `..` segment would be another object, or
 * another bucket, to every URL parser and proxy on the way.
 */
export function isKey(key: string): boolean {
  return key !== '' && !key.split('/').some((segment) => segment === '.' || segment === '..')
}

/**
 * Decodes the path of an `s3://` URL once. What is no percent-encoding of UTF-8 stands for itself: such URLs are typed
 * by people, and a key may well be called `100%`.
 */
export function decodeTyped(path: string): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (run) => decodeStrict(run) ?? run)
}

/** undefined where the text is no percent-encoded UTF-8. */
export function decodeStrict(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    // URIError is the only thing decodeURIComponent throws, and it has nothing to add to "no".
    return undefined
  }
}

/** Percent-encodes all but the unreserved characters of RFC 3986 §2.3 and `/`, as SigV4 wants it. */
export function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', '/')
}
