/** HTML templates that escape every value except the result of another template. Pure. */

/** Markup that needs no escaping. */
export class Html {
  /** A private member: the compiler refuses a plain object with a text in place of markup. */
  declare private readonly made: true

  constructor(readonly text: string) {}
}

/** Values of a template. Lists are joined; false, null and undefined give no text. */
export type Part = Html | string | number | false | null | undefined | readonly Part[]

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Escapes a value for text and for quoted attributes. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** Replaces characters that are invisible or change the direction of text with visible ones. */
export function visible(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\p{Cs}\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu, '\ufffd')
}

/** The tag of every template. Attributes have double quotes. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.map((text, i) => text + (i < parts.length ? textOf(parts[i]) : '')).join(''))
}

function textOf(part: Part): string {
  if (part instanceof Html) return part.text
  if (Array.isArray(part)) return (part as readonly Part[]).map(textOf).join('')
  if (typeof part === 'string') return escapeHtml(visible(part))
  return typeof part === 'number' ? String(part) : ''
}
