/** The section `github:` of the configuration file: a list of hosts, checked key by key. Pure. */

import { placeOf } from './place.js'
import type { TokenOrigin } from './token.js'
import type { HostSettings, Share } from './types.js'

const keys = [
  'host',
  'api',
  'token',
  'token-file',
  'token-command',
  'gh',
  'repositories',
  'share',
  'moving-ttl',
  'tags',
]

export type SectionEntry = Partial<HostSettings> & Pick<HostSettings, 'place'>

/** @param section as parsed; @throws Error that says which entry and which key, without values that may be secret */
export function readSection(section: unknown): SectionEntry[] {
  if (section === undefined || section === null) return []
  if (!Array.isArray(section)) throw new Error('github: expected a list, each entry with a host')
  return section.map((entry: unknown, i) => readEntry(entry, `github[${i}]`))
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
  const api = read('api', (v) => (isText(v) ? v : undefined), 'the URL of the API')
  const place = read('host', (v) => (isText(v) ? placeOf(v, api) : undefined), 'a host, or its URL without a path')
  if (place === undefined) throw new Error(`${where}: host is missing`)

  const text = (v: unknown): string | undefined => (isText(v) ? v : undefined)
  const gh = read('gh', (v) => (typeof v === 'boolean' ? v : undefined), 'true or false')
  const origins: TokenOrigin[] = [
    read('token', (v) => (isText(v) ? { token: v } : undefined), 'a token'),
    read('token-file', (v) => (isText(v) ? { file: v } : undefined), 'a path'),
    read('token-command', (v) => commandOf(text(v) ?? texts(v)), 'a command, or a list of its words'),
    gh === true ? { command: ['gh', 'auth', 'token', '--hostname', new URL(place.web).host] } : undefined,
  ].filter((origin) => origin !== undefined)
  if (origins.length > 1) throw new Error(`${where}: only one of token, token-file, token-command and gh`)

  const repositories = read('repositories', (v) => texts(v) ?? one(v), 'a list of repositories')
  const share = read('share', (v) => shares.find((word) => word === v), 'all, probe or never')
  const movingTtl = read('moving-ttl', seconds, 'a duration such as 5m')
  const tags = read('tags', (v) => texts(v) ?? one(v), 'a list of patterns')
  return {
    place,
    ...(origins[0] && { token: origins[0] }),
    ...(repositories && { repositories }),
    ...(share && { share }),
    ...(movingTtl !== undefined && { movingTtl }),
    ...(tags && { tags }),
  }
}

const shares: readonly Share[] = ['all', 'probe', 'never']

function commandOf(command: string | readonly string[] | undefined): TokenOrigin | undefined {
  return command === undefined ? undefined : { command }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.length > 0 && value.every(isText) ? value.map((text) => text.trim()) : undefined
}

function one(value: unknown): string[] | undefined {
  return isText(value) ? [value.trim()] : undefined
}

const units = { s: 1, m: 60, h: 3600, d: 86_400 }

function seconds(value: unknown): number | undefined {
  const match = /^(\d{1,9})(s|m|h|d)$/.exec(typeof value === 'string' ? value.trim() : '')
  return match ? Number(match[1]) * units[match[2] as keyof typeof units] : undefined
}
