/** Flags of commands, built from the table. They carry the text; what it means is settled when settings are resolved. */

import { Flags } from '@oclif/core'
import type { Interfaces } from '@oclif/core'
import { settingOf, type SettingName } from './table.js'

/** The flags of a command that takes these settings; `defaults` for the help text where the command has its own. */
export function flagsFor<Name extends SettingName>(
  names: readonly Name[],
  defaults: Partial<Record<Name, string>> = {},
): Interfaces.FlagInput {
  return Object.fromEntries(names.map((name) => [name, flagFor(name, defaults[name])]))
}

function flagFor(name: SettingName, commandDefault: string | undefined) {
  const { kind, summary, char, many, options, negatable, placeholder, default: tableDefault } = settingOf(name)
  const fallback = commandDefault ?? tableDefault
  const common = {
    summary: fallback === undefined ? summary : `${summary} (default ${fallback})`,
    ...(char === undefined ? {} : { char }),
  }
  if (kind === 'boolean') return Flags.boolean({ ...common, allowNo: negatable === true })
  const helpValue = placeholder ?? options?.join('|') ?? kind.toUpperCase()
  // Several at a time would swallow the arguments after it.
  if (many === true) return Flags.string({ ...common, helpValue, multiple: true, multipleNonGreedy: true })
  return Flags.string({ ...common, helpValue })
}
