/** What a job leaves for somebody else to fill in: a URL with one of these is not yet a URL. */

const placeholder = new RegExp(
  [
    '\\{\\{.*?(?:\\}\\}|$)', // Jinja, and many others
    '\\{%.*?(?:%\\}|$)',
    '\\$\\{[^}]*\\}?', // the shell
    '\\$\\([^)]*\\)?',
    '\\$[A-Za-z_][A-Za-z0-9_]*',
    '\\{[^{}]*\\}', // LAVA, from the device's static_info
    '@[A-Za-z0-9_-]+@', // autoconf, meson
    '<[^<>]+>', // people
  ].join('|'),
  's',
)

/** The first placeholder of a text. */
export function placeholderIn(text: string): string | undefined {
  return placeholder.exec(text)?.[0]
}
