/** What the commands of this plugin share: the settings of the section `s3:`, applied as `kiss fetch` would. */

import { KissError, openHttp, type BaseCommand, type HttpClient } from 'kiss/plugin'
import { Access } from './access.js'
import { readSettings } from './settings.js'

export interface Entrance {
  readonly access: Access
  readonly http: HttpClient
}

/** @param flags what the command has parsed */
export async function openAccess(command: BaseCommand, flags: Readonly<Record<string, unknown>>): Promise<Entrance> {
  const { file } = await command.settings(flags)
  const http = openHttp(command)
  try {
    const settings = readSettings(file?.sections.get('s3')?.value, process.env)
    return { access: new Access({ settings, env: process.env, serving: false, now: Date.now, http }), http }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new KissError('configuration', file === undefined ? why : `${file.file}: ${why}`, { cause })
  }
}

export function parseUrl(text: string, example: string): URL {
  if (URL.canParse(text)) return new URL(text)
  throw new KissError('bad-url', `that is no URL; write ${example}`)
}
