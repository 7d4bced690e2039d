/** The files beside a blob: one for each of its entries, from which a lost index is rebuilt. */

import { readFile } from 'node:fs/promises'
import { systemCode } from '../errors.js'
import type { StoredAnswer } from '../http/caching/types.js'
import type { Entry, Sha256 } from './types.js'

const VERSION = 2

export function writeDescription(entry: Entry): string {
  return `${JSON.stringify({ version: VERSION, entry })}\n`
}

/**
 * The entry that the file gives to this blob. undefined where there is no file, where it is not whole (it is not synced, so a
 * power loss may leave it empty), or where its content is not fit to be an entry of this blob.
 */
export async function readDescription(file: string, sha256: Sha256, size: number): Promise<Entry | undefined> {
  try {
    const found: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (!isRecord(found) || found['version'] !== VERSION) return undefined
    const { entry } = found
    return isEntry(entry) && entry.sha256 === sha256 && entry.size === size ? entry : undefined
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Absent, or of this type. */
const optional = { source: 'string', resource: 'string', access: 'string' } as const

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
} as const satisfies Record<keyof Required<Omit<Entry, keyof typeof optional | 'answer'>>, string>

function isEntry(value: unknown): value is Entry {
  if (!isRecord(value) || !Object.entries(types).every(([name, type]) => typeof value[name] === type)) return false
  if (!Object.entries(optional).every(([name, type]) => [type, 'undefined'].includes(typeof value[name]))) return false
  if (value['answer'] !== undefined && !isAnswer(value['answer'])) return false
  return isRecord(value['headers']) && Object.values(value['headers']).every((header) => typeof header === 'string')
}

function isAnswer(value: unknown): value is StoredAnswer {
  if (!isRecord(value) || !isRecord(value['fields']) || !isRecord(value['vary'])) return false
  const numbers = ['status', 'requestedAt', 'receivedAt'].every((name) => typeof value[name] === 'number')
  return numbers && Object.values(value['fields']).every((field) => typeof field === 'string')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
