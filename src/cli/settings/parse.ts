/** The text of a setting becomes its value. Pure but for the home directory of `~/`. */

import { isIP } from 'node:net'
import { homedir } from 'node:os'
import path from 'node:path'
import { KissError } from '../../errors.js'
import { parseRules } from '../../upstream/rules.js'
import { parseDuration, parsePrice, parseSize, type Price } from '../../units.js'
import type { Kind, Setting } from './table.js'

type One = string | number | boolean | URL | Price
export type Value = One | readonly (string | number | URL)[] | undefined

/** The base of relative paths. */
export interface ParseContext {
  readonly base: string
}

/**
 * @param texts one for each time it was given
 * @param what the flag, variable or line of the file, for the message
 * @throws KissError `usage`
 */
export function parseSetting(setting: Setting, texts: readonly string[], what: string, context: ParseContext): Value {
  if (setting.many !== true) return parseOne(setting, texts.at(-1) ?? '', what, context)
  const parts = setting.kind === 'header' ? texts : texts.flatMap((text) => text.split(','))
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => parseOne(setting, part, what, context) as string)
}

function parseOne(setting: Setting, text: string, what: string, context: ParseContext): One {
  if (setting.words?.includes(text) === true) return text
  const value = parsers[setting.kind](text, what, context)
  if (typeof value === 'number') {
    const { min = 0, max = Infinity } = setting
    if (value < min) throw usage(`${what}: ${value} is less than ${min}`)
    if (value > max) throw usage(`${what}: ${value} is more than ${max}`)
  }
  if (setting.options !== undefined && !setting.options.includes(text)) {
    throw usage(`${what}: ${quoted(text)} is not one of ${setting.options.join(', ')}`)
  }
  return value
}

/** The same for values that are not from the command line: an error is one of the configuration. */
export function parseConfigured(...args: Parameters<typeof parseSetting>): Value {
  try {
    return parseSetting(...args)
  } catch (error) {
    throw error instanceof KissError ? new KissError('configuration', error.message, { cause: error }) : error
  }
}

/** The reason why relative paths are refused. */
export const NO_DIRECTORY = 'the working directory has been deleted; write an absolute path'

type Parser = (text: string, what: string, context: ParseContext) => One

const parsers: Record<Kind, Parser> = {
  string: nonEmpty,
  list: nonEmpty,
  header: nonEmpty,
  size: (text, what) => parseSize(text, what),
  duration: (text, what) => parseDuration(text, what),
  boolean(text, what) {
    const yes = /^(?:true|yes|on|1)$/i.test(text)
    if (!yes && !/^(?:false|no|off|0)$/i.test(text)) throw usage(`${what}: ${quoted(text)} is neither true nor false`)
    return yes
  },
  integer(text, what) {
    if (!/^[+-]?\d{1,15}$/.test(text.trim())) throw usage(`${what}: ${quoted(text)} is not a whole number`)
    return Number(text)
  },
  price: (text, what) => parsePrice(text, what),
  path(text, what, { base }) {
    const file = nonEmpty(text, what)
    if (file === '~' || file.startsWith('~/')) return path.join(homedir(), file.slice(1))
    if (base === '' && !path.isAbsolute(file)) throw usage(`${what}: ${NO_DIRECTORY}`)
    return path.resolve(base, file)
  },
  url(text, what) {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined || !/^https?:$/.test(url.protocol)) throw usage(`${what}: not an http or https URL`)
    return url
  },
  sha256(text, what) {
    if (!/^[0-9a-f]{64}$/i.test(text.trim())) throw usage(`${what}: ${quoted(text)} is not 64 hexadecimal digits`)
    return text.trim().toLowerCase()
  },
  cidr(text, what) {
    if (!isCidr(text)) throw usage(`${what}: ${quoted(text)} is not an address or a CIDR such as 10.0.0.0/8`)
    return text
  },
  destination(text, what) {
    try {
      parseRules([text], 'allow-upstream')
      return text
    } catch (error) {
      throw new KissError('usage', `${what}: ${quoted(text)} is not a host, an address or a CIDR`, { cause: error })
    }
  },
}

function nonEmpty(text: string, what: string): string {
  if (text === '') throw usage(`${what}: a value is missing`)
  return text
}

function isCidr(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  if (prefix === undefined) return true
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128)
}

function usage(message: string): KissError {
  return new KissError('usage', message)
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}
