/** The section `gitlab:` of the configuration file: a list of instances, checked key by key. Pure. */

import { instanceOf } from './instance.js'
import { tokenKinds, type TokenKind, type TokenOrigin } from './token.js'
import type { InstanceSettings, Share } from './types.js'

const keys = ['host', 'token', 'token-file', 'token-command', 'kind', 'projects', 'share', 'moving-ttl', 'tags']

export type SectionEntry = Partial<InstanceSettings> & Pick<InstanceSettings, 'instance'>

/** @param section as parsed; @throws Error that says which entry and which key, without values that may be secret */
export function readSection(section: unknown): SectionEntry[] {
  if (section === undefined || section === null) return []
  if (!Array.isArray(section)) throw new Error('gitlab: expected a list, each entry with a host')
  return section.map((entry: unknown, i) => readEntry(entry, `gitlab[${i}]`))
}

function readEntry(entry: unknown, where: string): SectionEntry {
  if (typeof entry !== 'object' || entry === null) throw new Error(`${where}: expected host: and its settings`)
  const settings = new Map(Object.entries(entry))
  for (const key of settings.keys()) {
    if (!keys.includes(key)) throw new Error(`${where}: unknown key ${JSON.stringify(key)}; known: ${keys.join(', ')}`)
  }
  const read = <T>(key: string, parse: (value: unknown) => T | undefined, expected: string): T | undefined => {
    const value: unknown = settings.get(key)
    if (value === undefined || value === null) return undefined
    const parsed = parse(value)
    if (parsed === undefined) throw new Error(`${where}.${key}: expected ${expected}`)
    return parsed
  }
  const instance = read(
    'host',
    (v) => (typeof v === 'string' ? instanceOf(v) : undefined),
    'a host, or its URL without a user',
  )
  if (instance === undefined) throw new Error(`${where}: host is missing`)

  const kind = read('kind', oneOf<TokenKind>(tokenKinds), tokenKinds.join(', '))
  const origins = [
    read<TokenOrigin>('token', (v) => (isText(v) ? { token: v } : undefined), 'a token'),
    read<TokenOrigin>('token-file', (v) => (isText(v) ? { file: v } : undefined), 'a path'),
    read<TokenOrigin>(
      'token-command',
      (v) => (isText(v) || isTexts(v) ? { command: v } : undefined),
      'a command, or a list of its words',
    ),
  ].filter((origin) => origin !== undefined)
  const [origin] = origins
  if (origins.length > 1) throw new Error(`${where}: only one of token, token-file and token-command`)
  if (kind !== undefined && origin === undefined) throw new Error(`${where}.kind: there is no token`)

  const projects = read('projects', textList, 'a list of projects')
  const share = read('share', oneOf<Share>(['all', 'probe', 'never']), 'all, probe or never')
  const movingTtl = read('moving-ttl', seconds, 'a duration such as 5m')
  const tags = read('tags', textList, 'a list of patterns')
  return {
    instance,
    ...(origin && { token: { kind: kind ?? 'private', origin } }),
    ...(projects && { projects }),
    ...(share && { share }),
    ...(movingTtl !== undefined && { movingTtl }),
    ...(tags && { tags }),
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every(isText)
}

/** A list, or what stands for a list of one. Ids of projects are numbers in YAML. */
function textList(value: unknown): string[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  const texts = list.map((item) => (typeof item === 'number' ? String(item) : item))
  return texts.every(isText) ? texts.map((text) => text.trim()) : undefined
}

function oneOf<T extends string>(words: readonly T[]): (value: unknown) => T | undefined {
  return (value) => words.find((word) => word === value)
}

const units = { s: 1, m: 60, h: 3600, d: 86_400 }

function seconds(value: unknown): number | undefined {
  const match = /^(\d{1,9})(s|m|h|d)$/.exec(typeof value === 'string' ? value.trim() : '')
  return match ? Number(match[1]) * units[match[2] as keyof typeof units] : undefined
}
