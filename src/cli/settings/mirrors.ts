/** The section `mirrors:` of the configuration file: patterns of URLs, and where to look for each first. Pure. */

import { asKissError, KissError } from '../../errors.js'
import { parseMirrors } from '../../upstream/mirrors.js'
import type { Mirror } from '../../upstream/types.js'
import type { SettingsFile } from './file.js'

/** @throws KissError `configuration`, naming file and line */
export function configuredMirrors(file: SettingsFile | undefined): readonly Mirror[] {
  const section = file?.sections.get('mirrors')
  if (file === undefined || section === undefined || section.value === null) return []
  const place = `${file.file}:${section.line}`
  const items: readonly unknown[] = Array.isArray(section.value) ? section.value : [section.value]
  const mirrors = items.map((item, index) => readMirror(item, `${place}: mirrors, entry ${index + 1}`))
  try {
    parseMirrors(mirrors)
  } catch (error) {
    throw new KissError('configuration', `${place}: ${asKissError(error).message}`, { cause: error })
  }
  return mirrors
}

/** What stands there is not repeated: a place to try may hold a password. */
function readMirror(item: unknown, where: string): Mirror {
  const wrong = (what: string): KissError => new KissError('configuration', `${where}: ${what}`)
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    throw wrong('expected match: (a pattern of URLs) and to: (places to try first)')
  const { match, to, ...others } = item as Record<string, unknown>
  const [unknownKey] = Object.keys(others)
  if (unknownKey !== undefined) throw wrong(`there is no key ${JSON.stringify(unknownKey)}; it takes match and to`)
  if (typeof match !== 'string') throw wrong('match: expected a pattern, such as https://host/path/**')
  const places: readonly unknown[] = Array.isArray(to) ? to : [to]
  if (places.length === 0 || !places.every((place) => typeof place === 'string'))
    throw wrong('to: expected URLs, such as [http://mirror.lab/files/]')
  return { match, to: places }
}
