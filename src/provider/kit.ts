/**
 * Helpers for providers of a service with several instances, each with its own token: the section of the settings, the source of
 * the token, and globs over names of projects. Exported as `kiss-cache/provider-kit`; the build copies it into each plugin.
 */

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Sharing } from './types.js'

/** Reads one key of an entry; undefined if it is not there. Throws an Error with the expected value if `parse` returns undefined. */
export type ReadKey = <T>(key: string, parse: (value: unknown) => T | undefined, expected: string) => T | undefined

/**
 * Reads a section that is a list of instances.
 *
 * @param section as parsed
 * @throws Error that names the entry and the key, without values that may be secret
 */
export function readEntries<Entry>(
  section: unknown,
  name: string,
  keys: readonly string[],
  entry: (read: ReadKey, where: string) => Entry,
): Entry[] {
  if (section === undefined || section === null) return []
  if (!Array.isArray(section)) throw new Error(`${name}: expected a list, each entry with a host`)
  return section.map((settings: unknown, i) => {
    const where = `${name}[${i}]`
    if (typeof settings !== 'object' || settings === null) throw new Error(`${where}: expected host: and its settings`)
    const values = new Map<string, unknown>(Object.entries(settings))
    for (const key of values.keys()) {
      if (!keys.includes(key))
        throw new Error(`${where}: unknown key ${JSON.stringify(key)}; known: ${keys.join(', ')}`)
    }
    const read: ReadKey = (key, parse, expected) => {
      const value = values.get(key)
      if (value === undefined || value === null) return undefined
      const parsed = parse(value)
      if (parsed === undefined) throw new Error(`${where}.${key}: expected ${expected}`)
      return parsed
    }
    return entry(read, where)
  })
}

/** The keys `token`, `token-file` and `token-command`, of which an entry has at most one. */
export function readTokenOrigins(read: ReadKey): TokenOrigin[] {
  return [
    read<TokenOrigin>('token', (v) => (isText(v) ? { token: v } : undefined), 'a token'),
    read<TokenOrigin>('token-file', (v) => (isText(v) ? { file: v } : undefined), 'a path'),
    read<TokenOrigin>(
      'token-command',
      (v) => (isText(v) || isTexts(v) ? { command: v } : undefined),
      'a command, or a list of its words',
    ),
  ].filter((origin) => origin !== undefined)
}

/** The keys `share`, `moving-ttl` and `tags`. */
export function readTerms(read: ReadKey): {
  readonly share?: Sharing
  /** Seconds: the lifetime of content that a branch or "latest" names. */
  readonly movingTtl?: number
  /** Globs of refs that are tags. */
  readonly tags?: readonly string[]
} {
  const share = read('share', oneOf<Sharing>(['all', 'probe', 'never']), 'all, probe or never')
  const movingTtl = read('moving-ttl', seconds, 'a duration such as 5m')
  const tags = read('tags', textList, 'a list of patterns')
  return { ...(share && { share }), ...(movingTtl !== undefined && { movingTtl }), ...(tags && { tags }) }
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every(isText)
}

/** A list, or a single value in place of a list of one. Ids of projects are numbers in YAML. */
export function textList(value: unknown): string[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  const texts = list.map((item) => (typeof item === 'number' ? String(item) : item))
  return texts.every(isText) ? texts.map((text) => text.trim()) : undefined
}

export function oneOf<T extends string>(words: readonly T[]): (value: unknown) => T | undefined {
  return (value) => words.find((word) => word === value)
}

const units = { s: 1, m: 60, h: 3600, d: 86_400 }

function seconds(value: unknown): number | undefined {
  const match = /^(\d{1,9})(s|m|h|d)$/.exec(typeof value === 'string' ? value.trim() : '')
  return match ? Number(match[1]) * units[match[2] as keyof typeof units] : undefined
}

/** A name for the provider of an instance: `gitlab-example-com-8443` of `gitlab.example.com:8443`. It is added to the taken names. */
export function uniqueName(service: string, label: string, taken: Set<string>): string {
  const words = label
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  const base = words.startsWith(service) ? words : `${service}-${words}`
  let name = base
  for (let n = 2; taken.has(name); n++) name = `${base}-${n}`
  taken.add(name)
  return name
}

/**
 * A glob over names with slashes: `*` stops at `/`, `**` does not; a pattern without a star stands for itself. Upper and lower
 * case are equal, as in the names of GitHub and GitLab.
 */
export function globToRegExp(pattern: string): RegExp {
  const source = pattern
    .split(/(\*+)/)
    .map((part) => (part === '*' ? '[^/]*' : part.startsWith('*') ? '.*' : part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&')))
    .join('')
  return new RegExp(`^${source}$`, 'i')
}

/**
 * Does a list of patterns name this project? `*` alone means every project. GitLab also takes numbers: a project that is
 * requested by its number is named only by that number, because its path is unknown.
 */
export function projectMatcher(patterns: readonly string[]): (project: string) => boolean {
  if (patterns.includes('*')) return () => true
  const globs = patterns.map(globToRegExp)
  return (project) => globs.some((glob) => glob.test(project))
}

export type TokenOrigin =
  | { readonly token: string }
  | { readonly file: string }
  /** A string goes through the shell, a list does not. Its first line is the token. */
  | { readonly command: string | readonly string[] }

/** A command that has not answered after this many milliseconds never will: it waits for a passphrase. */
const COMMAND_TIMEOUT = 30_000

/** A token that was read this many milliseconds ago and is refused is not read again: it would be the same. */
const FRESH = 10_000

/** Reads the token when it is first needed, keeps it, and reads it again when the service refuses it. */
export class TokenSource {
  readonly #origin: TokenOrigin
  readonly #now: () => number
  #token: Promise<string> | undefined
  #readAt = 0

  /** @param now milliseconds since any fixed moment */
  constructor(origin: TokenOrigin, now: () => number) {
    this.#origin = origin
    this.#now = now
  }

  /** Callers at the same time share one reading. Throws an Error that names the failure, without the text that was read. */
  async read(): Promise<string> {
    if (this.#token === undefined) {
      this.#readAt = this.#now()
      const reading = obtain(this.#origin)
      this.#token = reading
      reading.catch(() => {
        if (this.#token === reading) this.#token = undefined
      })
    }
    return this.#token
  }

  /** The service took the token for invalid. True where another reading may give a better one. */
  refused(): boolean {
    if ('token' in this.#origin || this.#token === undefined || this.#now() - this.#readAt < FRESH) return false
    this.#token = undefined
    return true
  }
}

async function obtain(origin: TokenOrigin): Promise<string> {
  if ('token' in origin) return checked(origin.token, 'the token')
  if ('file' in origin) return checked(await readTokenFile(origin.file), `the token in ${origin.file}`)
  return checked(await runTokenCommand(origin.command), 'the token that token-command prints')
}

async function readTokenFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`cannot read token-file ${file}: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`, {
      cause: error,
    })
  }
}

async function runTokenCommand(command: string | readonly string[]): Promise<string> {
  const [file = '', ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
  try {
    return (await promisify(execFile)(file, args, { timeout: COMMAND_TIMEOUT, maxBuffer: 64 * 1024 })).stdout
  } catch (error) {
    // Neither its output nor its arguments are shown, nor kept as a cause: they may hold secrets.
    const { code, killed } = error as { code?: number | string; killed?: boolean }
    const how = killed === true ? `did not end within ${COMMAND_TIMEOUT / 1000} s` : `failed (${String(code)})`
    throw new Error(`token-command ${how}`)
  }
}

/** A header's value: visible ASCII, RFC 9110 §5.5, and no blanks, because no token has any. */
function checked(text: string, what: string): string {
  const token = text.trim().split(/\r?\n/)[0]?.trim() ?? ''
  if (token === '') throw new Error(`${what} is empty`)
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Error(`${what} holds blanks or characters that no token has`)
  return token
}
