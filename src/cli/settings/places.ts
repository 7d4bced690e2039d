/** The sections `mirrors:` and `parents:` of the configuration file: patterns of URLs, and the servers to ask first. */

import { text } from 'node:stream/consumers'
import { asKissError, KissError, systemCode } from '../../errors.js'
import { parseMirrors } from '../../upstream/mirrors.js'
import { parseParents, refuseOpenTokens } from '../../upstream/parents.js'
import type { Mirror, Parent, Parents } from '../../upstream/types.js'
import { Rules, type Rule } from '../../engine/rules/rules.js'
import { openInput } from '../input.js'
import type { SettingsFile } from './file.js'
import { configuredRules } from './rules.js'
import type { Settings } from './resolve.js'
import type { SettingValues } from './table.js'

const checks = { mirrors: parseMirrors, parents: parseParents } as const

/** Pure. @throws KissError `configuration`, naming file and line */
export function configuredMirrors(file: SettingsFile | undefined): readonly Mirror[] {
  return configuredPlaces(file, 'mirrors')
}

/**
 * Pure: those of the rules and of `parents:`, which are for some URLs, and then those of `--parent`.
 * @throws KissError `configuration`
 */
export function configuredParents({ file, values }: Settings): readonly Parent[] {
  const general = values.parent.map(({ href }) => href)
  const parents = [
    ...parentsOfRules(configuredRules(file)),
    ...configuredPlaces(file, 'parents'),
    ...(general.length === 0 ? [] : [{ to: general }]),
  ]
  if (values['parent-only'] && parents.length === 0)
    throw new KissError('configuration', 'parent-only: there is no parent; name one with --parent')
  return parents
}

/** The first rule that matches a URL decides here as well. */
function parentsOfRules(all: readonly Rule[]): readonly Parent[] {
  const rules = new Rules(all)
  return all.flatMap((rule) =>
    rule.parent === undefined ? [] : [{ holdsFor: (url: string) => rules.of(url) === rule, to: rule.parent }],
  )
}

/** Reads the token. @throws KissError `configuration` */
export async function parentsFor(settings: Settings): Promise<Parents> {
  const of = configuredParents(settings)
  const token = of.length === 0 ? undefined : await tokenIn('parent-token-file', settings.values)
  refuseOpenTokens(parseParents(of), token)
  return { of, only: settings.values['parent-only'], token }
}

/** @throws KissError `configuration` */
export async function tokenIn(
  name: 'server-token-file' | 'parent-token-file',
  { [name]: file }: SettingValues,
): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return (await text(openInput(file))).trim()
  } catch (cause) {
    throw new KissError('configuration', `--${name}: cannot read ${file}: ${systemCode(cause) ?? String(cause)}`, {
      cause,
    })
  }
}

/** One section. @throws KissError `configuration`, naming file and line */
export function configuredPlaces(file: SettingsFile | undefined, name: keyof typeof checks): readonly Mirror[] {
  const section = file?.sections.get(name)
  if (file === undefined || section === undefined || section.value === null) return []
  const place = `${file.file}:${section.line}`
  const items: readonly unknown[] = Array.isArray(section.value) ? section.value : [section.value]
  const places = items.map((item, index) => readItem(item, `${place}: ${name}, entry ${index + 1}`))
  try {
    checks[name](places)
  } catch (error) {
    throw new KissError('configuration', `${place}: ${asKissError(error).message}`, { cause: error })
  }
  return places
}

/** The message does not repeat the value, which may contain a password. */
function readItem(item: unknown, where: string): Mirror {
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
