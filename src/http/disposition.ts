/** Content-Disposition: writes the field of answers, always an attachment, and reads the file name of an origin. RFC 6266 and 8187. Pure. */

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

/** RFC 8187 §3.2.1: charset, language and percent-encoded value. */
const extended = /;\s*filename\*\s*=\s*(utf-8|iso-8859-1)'[^']*'([^;\s]+)/i
/** RFC 6266 §4.1: a token or a quoted string. */
const simple = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i

/**
 * The name of the file that a field of an origin proposes, fit for a directory at hand: one segment, and no hidden file.
 * undefined where it proposes none. `filename*` counts more than `filename` (RFC 6266 §4.3).
 */
export function dispositionName(field: string): string | undefined {
  const [, charset, encoded] = extended.exec(field) ?? []
  const [, quoted, token] = simple.exec(field) ?? []
  const plain = quoted?.replace(/\\(.)/g, '$1') ?? token
  const name = encoded === undefined ? utf8(plain) : decodedValue(encoded, charset)
  // Some origins send a path: its last segment is the name (RFC 6266 §4.3).
  const last = name?.split(/[/\\]/).at(-1) ?? ''
  return last === '' ? undefined : safeFileName(last).replace(/^\.+/, '_')
}

function decodedValue(encoded: string, charset = ''): string {
  const bytes = Buffer.from(
    encoded.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  )
  return bytes.toString(charset.toLowerCase() === 'utf-8' ? 'utf8' : 'latin1')
}

/** Node gives the bytes of a field as one character each; browsers read those that are UTF-8 as UTF-8. */
function utf8(text: string | undefined): string | undefined {
  if (text === undefined || !/[\x80-\xff]/.test(text)) return text
  const decoded = Buffer.from(text, 'latin1').toString('utf8')
  return decoded.includes('\ufffd') ? text : decoded
}
