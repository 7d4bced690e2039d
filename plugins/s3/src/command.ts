/** What the commands of this plugin share: the settings of the section `s3:`, applied as `kiss fetch` would. */

import { KissError, openHttp, parseUrl, type BaseCommand, type HttpClient } from 'kiss-cache/plugin'
import { Access } from './access.js'
import { notA } from './object-url.js'
import type { Found } from './places.js'
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

/** Throws KissError `bad-url` where the text names no object, `configuration` where the settings of its bucket are wrong. */
export function findObject(access: Access, text: string): Found {
  const url = parseUrl(text)
  const found = access.places.find(url)
  if (found === undefined) throw new KissError('bad-url', notA('object', url))
  return usable(access, found)
}

/** The same for a bucket and the beginning of keys. */
export function findBucket(access: Access, text: string): { readonly bucket: Found; readonly prefix: string } {
  const url = parseUrl(text)
  const found = access.places.findBucket(url)
  if (found === undefined) throw new KissError('bad-url', notA('bucket', url))
  return { ...found, bucket: usable(access, found.bucket) }
}

function usable(access: Access, found: Found): Found {
  const problem = access.problem(found)
  if (problem !== undefined) throw new KissError('configuration', `s3: ${problem}`)
  return found
}
