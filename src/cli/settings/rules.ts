/** The section `rules:` of the configuration file: what kiss does with the URLs that a pattern matches. Pure. */

import { Rules, type Rule } from '../../engine/rules/rules.js'
import { asKissError, KissError } from '../../errors.js'
import type { Sharing } from '../../provider/types.js'
import { parseDuration, parseSize } from '../../units.js'
import { parseParents } from '../../upstream/parents.js'
import { shown } from '../../upstream/redirects.js'
import { nearest } from '../nearest.js'
import type { Section, SettingsFile } from './file.js'

/** @throws KissError `configuration`, naming file and line */
export function configuredRules(file: SettingsFile | undefined): readonly Rule[] {
  const section = file?.sections.get('rules')
  if (file === undefined || section === undefined || section.value === null) return []
  const { value } = section
  if (!Array.isArray(value)) {
    throw new KissError('configuration', `${file.file}:${section.line}: rules: expected a list of rules`, {
      hint: 'begin each with - match:',
    })
  }
  const rules = value.map((item: unknown, index) => readRule(item, { file: file.file, section, index }))
  new Rules(rules)
  return rules
}

interface Item {
  readonly file: string
  readonly section: Section
  readonly index: number
}

type Parsed = Partial<{ -readonly [Key in keyof Rule]: Rule[Key] }>

/** The keys of a rule with the parser of each value, which throws KissError. */
const keys: Readonly<Record<string, (value: unknown, what: string) => Parsed>> = {
  match: (value, what) => ({ match: patterns(value, what) }),
  ttl: (value, what) => ({ ttl: parseDuration(text(value, what), what) }),
  'stale-if-error': (value, what) => ({ staleIfError: parseDuration(text(value, what), what) }),
  freshness: (value, what) => ({ freshness: oneOf(value, ['origin'] as const, what) }),
  store: (value, what) => ({ store: oneOf(value, ['never'] as const, what) }),
  'max-size': (value, what) => ({ maxSize: parseSize(text(value, what), what) }),
  connections: (value, what) => ({ connections: count(value, what) }),
  parent: (value, what) => ({ parent: parents(value, what) }),
  share: (value, what) => ({ share: oneOf<Sharing>(value, ['all', 'probe', 'never'], what) }),
  'sha256-from': (value, what) => ({ sha256From: reference(value, what) }),
}

function readRule(item: unknown, { file, section, index }: Item): Rule {
  const at = (key?: string): string =>
    `${file}:${section.lineOf([index, ...(key === undefined ? [] : [key])])}: rules, entry ${index + 1}`
  const wrong = (where: string, what: string, hint?: string): KissError =>
    new KissError('configuration', `${where}: ${what}`, hint === undefined ? {} : { hint })
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    throw wrong(at(), 'expected match: (patterns of URLs) and what holds for them')
  let parsed: Parsed = {}
  for (const [key, value] of Object.entries(item)) {
    const read = keys[key]
    if (read === undefined) {
      const guess = nearest(key, Object.keys(keys))
      throw wrong(at(key), `there is no key ${JSON.stringify(key)}`, guess && `did you mean ${guess}?`)
    }
    try {
      parsed = { ...parsed, ...read(value, key) }
    } catch (error) {
      throw new KissError('configuration', `${at(key)}: ${asKissError(error).message}`, { cause: error })
    }
  }
  const { match } = parsed
  if (match === undefined) throw wrong(at(), 'match: is missing', 'write match: https://host/path/**')
  const fault = contradiction(parsed)
  if (fault !== undefined) throw wrong(at(), fault)
  return { ...parsed, match, place: `${file}:${section.lineOf([index])}` }
}

/** The rules of one of `workers` workers: limits of the whole server are divided. */
export function dividedRules(rules: readonly Rule[], workers: number): readonly Rule[] {
  return rules.map((rule) =>
    rule.connections === undefined
      ? rule
      : { ...rule, connections: Math.max(1, Math.floor(rule.connections / workers)) },
  )
}

/** The keys of a rule and their values, as they would be written. */
export function writtenRule(rule: Rule): (readonly [key: string, value: string | readonly string[]])[] {
  const { match, ttl, staleIfError, freshness, store, maxSize, connections, parent, share, sha256From } = rule
  const pairs: readonly (readonly [string, string | readonly string[] | undefined])[] = [
    ['match', match],
    ['ttl', ttl === undefined ? undefined : written(ttl)],
    ['stale-if-error', staleIfError === undefined ? undefined : written(staleIfError)],
    ['freshness', freshness],
    ['store', store],
    ['max-size', maxSize?.toString()],
    ['connections', connections?.toString()],
    ['parent', parent?.map((url) => shown(new URL(url)))],
    ['share', share],
    ['sha256-from', sha256From],
  ]
  return pairs.filter((pair): pair is readonly [string, string | readonly string[]] => pair[1] !== undefined)
}

/** A duration as the settings spell it. */
function written(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const
  const [unit, factor] = units.find(([, size]) => ms % size === 0 && ms >= size) ?? ['ms', 1]
  return `${ms / factor}${unit}`
}

/** The reason why two of the keys contradict each other. */
function contradiction({ store, freshness, ttl, staleIfError, maxSize, parent }: Parsed): string | undefined {
  if (store === 'never' && (freshness ?? ttl ?? staleIfError ?? maxSize) !== undefined)
    return 'store: never leaves nothing for ttl, stale-if-error, max-size or freshness to hold for'
  if (freshness === 'origin' && (ttl ?? staleIfError) !== undefined)
    return 'with freshness: origin the origin says ttl and stale-if-error'
  if (freshness === 'origin' && parent !== undefined)
    return 'with freshness: origin the origin itself is asked, and no parent'
  return undefined
}

function fault(what: string): KissError {
  return new KissError('configuration', what)
}

function text(value: unknown, what: string): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw fault(`${what}: expected one value`)
}

function patterns(value: unknown, what: string): readonly string[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (all.length > 0 && all.every((one) => typeof one === 'string')) return all
  throw fault(`${what}: expected patterns of URLs, such as https://host/path/**`)
}

function parents(value: unknown, what: string): readonly string[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (all.length === 0 || !all.every((one) => typeof one === 'string'))
    throw fault(`${what}: expected addresses of kiss servers`)
  parseParents([{ to: all }])
  return all
}

function oneOf<Word extends string>(value: unknown, words: readonly Word[], what: string): Word {
  const word = words.find((candidate) => candidate === value)
  if (word !== undefined) return word
  throw fault(`${what}: expected ${words.join(', ')}`)
}

function count(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  throw fault(`${what}: expected a whole number from 1`)
}

function reference(value: unknown, what: string): string {
  const base = 'https://host/folder/name'
  if (typeof value === 'string' && value !== '' && URL.canParse(value.replaceAll('*', 'name'), base)) {
    const { protocol, href } = new URL(value.replaceAll('*', 'name'), base)
    if (/^https?:$/.test(protocol) && href !== base) return value
  }
  throw fault(`${what}: expected the location of the sum, such as "*.sha256" or SHA256SUMS`)
}
