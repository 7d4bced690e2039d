/** The Content-Disposition of our answers: always an attachment, RFC 6266, names by RFC 8187. Pure. */

import { safeFileName } from './urls.js'

/** RFC 8187 §3.2.1: attr-char; everything else is percent-encoded. */
function encodeExtValue(text: string): string {
  return encodeURIComponent(text).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/**
 * `attachment; filename="…"`, and `filename*=` where the name does not survive in US-ASCII. A name that could make an old
 * client decode or escape it (`%`, `"`, `\`) is shown to it with `_` instead (RFC 6266 appendix D).
 */
export function attachment(name: string): string {
  const safe = safeFileName(name)
  const ascii = safe.replace(/[^\x20-\x7e]|["\\%]/gu, '_')
  const plain = `attachment; filename="${ascii}"`
  return ascii === safe ? plain : `${plain}; filename*=UTF-8''${encodeExtValue(safe)}`
}
