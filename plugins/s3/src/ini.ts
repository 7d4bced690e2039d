/** The format of AWS's shared config files: sections, settings, and settings nested one level deep. Pure. */

/** Section headings as written (`profile ci`, `services lab`, `default`), each with its settings; nested ones as `s3.endpoint_url`. */
export type Ini = ReadonlyMap<string, ReadonlyMap<string, string>>

export function parseIni(text: string): Ini {
  const sections = new Map<string, Map<string, string>>()
  let section: Map<string, string> | undefined
  let parent: string | undefined
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.replace(/(^|\s)[;#].*$/, '').trimEnd()
    if (line.trim() === '') continue
    const heading = /^\s*\[([^\]]+)\]$/.exec(line)?.[1]
    if (heading !== undefined) {
      const name = headingName(heading)
      section = sections.get(name) ?? new Map<string, string>()
      sections.set(name, section)
      parent = undefined
      continue
    }
    const at = line.indexOf('=')
    if (at < 1 || section === undefined) continue
    const name = line.slice(0, at).trim()
    const value = line.slice(at + 1).trim()
    if (/^\s/.test(line) && parent !== undefined) {
      section.set(`${parent}.${name}`, value)
      continue
    }
    // A setting with an empty value opens a nested block; an indented line without one is a setting like any other.
    parent = value === '' ? name : undefined
    if (value !== '') section.set(name, value)
  }
  return sections
}

/** `profile "my lab"` and `profile   my lab` are one. */
function headingName(heading: string): string {
  return heading
    .trim()
    .replace(/^(\S+)\s+/, '$1 ')
    .replace(/^((?:profile|services|sso-session) )?"(.*)"$/, '$1$2')
}
