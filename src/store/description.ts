/** The file beside a blob: which entries it serves, for the day the index is lost. */

import { readFile } from 'node:fs/promises'
import { systemCode } from '../errors.js'
import type { Entry, Sha256 } from './types.js'

const VERSION = 1

export function writeDescription(entries: readonly Entry[]): string {
  return `${JSON.stringify({ version: VERSION, entries })}\n`
}

/**
 * The entries that the file gives to this blob. None where there is no file, where it is not whole (it is not synced, so a power
 * loss may leave it empty), or where what it says is not fit to be an entry.
 */
export async function readDescription(file: string, sha256: Sha256, size: number): Promise<Entry[]> {
  try {
    const found: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (!isRecord(found) || found['version'] !== VERSION || !Array.isArray(found['entries'])) return []
    return found['entries'].filter(isEntry).filter((entry) => entry.sha256 === sha256 && entry.size === size)
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return []
    throw error
  }
}

/** Absent, or of this type. */
const optional = { mirror: 'string', boot: 'string', resource: 'string' } as const

const types = {
  id: 'string',
  url: 'string',
  sha256: 'string',
  size: 'number',
  headers: 'object',
  storedAt: 'number',
  validatedAt: 'number',
  staleAt: 'number',
  lifetime: 'number',
  lastUsedAt: 'number',
  hits: 'number',
  private: 'boolean',
  unverified: 'boolean',
} as const satisfies Record<keyof Required<Omit<Entry, keyof typeof optional>>, string>

function isEntry(value: unknown): value is Entry {
  if (!isRecord(value) || !Object.entries(types).every(([name, type]) => typeof value[name] === type)) return false
  if (!Object.entries(optional).every(([name, type]) => [type, 'undefined'].includes(typeof value[name]))) return false
  return isRecord(value['headers']) && Object.values(value['headers']).every((header) => typeof header === 'string')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
