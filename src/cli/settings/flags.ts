/** Flags of commands, built from the table. They carry the text, which is parsed when settings are resolved. */

import { Flags } from '@oclif/core'
import type { Interfaces } from '@oclif/core'
import { settingOf, type Kind, type SettingName } from './table.js'

/** The placeholder of a value in help texts. */
const placeholders: Readonly<Record<Kind, string>> = {
  string: 'TEXT',
  boolean: 'YES|NO',
  integer: 'N',
  price: 'PRICE',
  size: 'SIZE',
  duration: 'TIME',
  path: 'FILE',
  url: 'URL',
  sha256: 'HEX',
  header: 'HEADER',
  cidr: 'CIDR',
  destination: 'HOST|CIDR',
  list: 'NAME',
}

/** The flags of a command for these settings. @param defaults of the command, for its help text */
export function flagsFor<Name extends SettingName>(
  names: readonly Name[],
  defaults: Partial<Record<Name, string>> = {},
): Interfaces.FlagInput {
  return Object.fromEntries(names.map((name) => [name, flagFor(name, defaults[name])]))
}

function flagFor(name: SettingName, commandDefault: string | undefined) {
  const { kind, summary, char, alias, many, options, negatable, placeholder, default: tableDefault } = settingOf(name)
  const fallback = commandDefault ?? tableDefault
  const said = fallback === undefined ? '' : ` (default ${fallback.replaceAll(',', ', ')})`
  const common = {
    summary: `${summary}${options === undefined ? '' : `: ${options.join(', ')}`}${said}`,
    ...(char === undefined ? {} : { char }),
    ...(alias === undefined ? {} : { aliases: [alias] }),
  }
  if (kind === 'boolean') return Flags.boolean({ ...common, allowNo: negatable === true })
  const helpValue = placeholder ?? placeholders[kind]
  // With several values at a time the flag would take the arguments after it.
  if (many === true) return Flags.string({ ...common, helpValue, multiple: true, multipleNonGreedy: true })
  return Flags.string({ ...common, helpValue })
}
