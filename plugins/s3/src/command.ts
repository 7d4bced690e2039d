/** What the commands of this plugin share: the settings of the section `s3:`, applied as `kiss fetch` would. */

import { KissError, type BaseCommand } from 'kiss/plugin'
import { Access } from './access.js'
import { readSettings } from './settings.js'

/** @param flags what the command has parsed */
export async function accessFor(command: BaseCommand, flags: Readonly<Record<string, unknown>>): Promise<Access> {
  const { file } = await command.settings(flags)
  try {
    const settings = readSettings(file?.sections.get('s3')?.value, process.env)
    return new Access({ settings, env: process.env, serving: false, now: Date.now })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new KissError('configuration', file === undefined ? why : `${file.file}: ${why}`, { cause })
  }
}

export function parseUrl(text: string, example: string): URL {
  if (URL.canParse(text)) return new URL(text)
  throw new KissError('bad-url', `that is no URL; write ${example}`)
}
