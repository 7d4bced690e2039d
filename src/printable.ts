/** Escapes received text for a terminal or a log line. Pure. */

/** C0 and C1 controls, line and paragraph separators, lone surrogates, and the controls of writing direction. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** The same without the line feed. One pass over a text: splitting 100,000 entries into lines took 2 s. */
const unprintableInLines = /[^\P{Cc}\n]|[\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** Replaces each control character by its escape: `\u001b`. */
export function printable(text: string): string {
  return text.replace(unprintable, escaped)
}

/** As {@link printable}, for text of several lines: line feeds stay. */
export function printableLines(text: string): string {
  return text.replace(unprintableInLines, escaped)
}

function escaped(character: string): string {
  const short = { '\t': '\\t', '\n': '\\n', '\r': '\\r' }[character]
  return short ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
