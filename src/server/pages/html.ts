/** HTML from templates that escape everything, unless it came from such a template. Pure. */

/** Markup that is safe to be written as it is. */
export class Html {
  constructor(readonly text: string) {}
}

/** What may stand in a template. Lists are joined; false, null and undefined are nothing. */
export type Part = Html | string | number | false | null | undefined | readonly Part[]

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** For text and for quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** Characters that show nothing, or turn round what stands beside them, become visible. */
export function visible(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\p{Cs}\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu, '\ufffd')
}

/** The tag of every template. Attributes stand in double quotes. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.map((text, i) => text + (i < parts.length ? textOf(parts[i]) : '')).join(''))
}

function textOf(part: Part): string {
  if (part instanceof Html) return part.text
  if (Array.isArray(part)) return (part as readonly Part[]).map(textOf).join('')
  if (typeof part === 'string') return escapeHtml(visible(part))
  return typeof part === 'number' ? String(part) : ''
}
