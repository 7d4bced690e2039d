/**
 * A bundle is a tar: `kiss-bundle.json` first, then `blobs/SHA256` for each body. The manifest lists the entries. Its content is
 * not trusted: every field is checked. Pure.
 */

import { keyIdOf } from '../../engine/types.js'
import { KissError } from '../../errors.js'
import { attachment } from '../../http/disposition.js'
import { storedHeaders, type StoredHeaders } from '../../http/stored.js'
import { displayUrl } from '../../http/urls.js'
import { printable } from '../../printable.js'
import { keyOf } from '../../store/select.js'
import type { Entry } from '../../store/types.js'
import { readAnswer } from './answer.js'

export const MANIFEST = 'kiss-bundle.json'
/** Bytes of the manifest: some 100,000 entries. */
export const LARGEST_MANIFEST = 64 * 1024 * 1024
const VERSION = 1

export const blobName = (sha256: string): string => `blobs/${sha256}`

/** The sum in the name of a member; undefined for every other name. */
export function sumOf(name: string): string | undefined {
  return /^blobs\/([0-9a-f]{64})$/.exec(name)?.[1]
}

/** The fields of an entry that another cache can use. Uses and the final URL are left out. */
export function writeManifest(entries: readonly Entry[]): string {
  const carried = entries.map(
    ({ id, url, sha256, size, headers, source, storedAt, validatedAt, staleAt, lifetime, unverified, answer }) => ({
      id,
      url,
      sha256,
      size,
      headers,
      source,
      storedAt,
      validatedAt,
      staleAt,
      lifetime,
      unverified,
      answer,
    }),
  )
  return `${JSON.stringify({ version: VERSION, entries: carried })}\n`
}

/** @param now milliseconds since the epoch @throws KissError `usage` */
export function readManifest(text: string, now: number): Entry[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new KissError('usage', 'its manifest is not JSON', { cause: error })
  }
  const { version, entries } = (parsed ?? {}) as Record<string, unknown>
  if (version !== VERSION || !Array.isArray(entries)) {
    throw new KissError('usage', `it is no bundle of version ${VERSION}`, { hint: 'kiss bundle create makes one' })
  }
  return entries.map((entry, index) => readEntry(entry, index, now))
}

function readEntry(value: unknown, index: number, now: number): Entry {
  const refuse = (what: string): KissError =>
    new KissError('usage', `entry ${index + 1} of its manifest has no ${what}`)
  if (typeof value !== 'object' || value === null) throw refuse('fields')
  const { id, url, sha256, size, headers, source, storedAt, validatedAt, staleAt, lifetime, unverified, answer } =
    value as Record<string, unknown>
  if (typeof id !== 'string' || !/^[0-9a-f]{64}(?:-[0-9a-f]{32})*$/.test(id)) throw refuse('id')
  if (typeof url !== 'string' || displayUrl(url) !== url || printable(url) !== url) throw refuse('displayable URL')
  // Without a hidden query, the id must be that of the URL: an entry cannot pass as that of another URL.
  const isWhole = !url.endsWith('?…') && URL.canParse(url) && /^https?:/.test(url)
  if (isWhole && keyOf(id) !== keyIdOf(new URL(url))) throw refuse('id of its URL')
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) throw refuse('SHA-256')
  if (!isSize(size)) throw refuse('size')
  if (!isTime(storedAt) || !isTime(validatedAt) || !isTime(staleAt) || !isTime(lifetime)) throw refuse('times')
  const answered = answer === undefined ? undefined : readAnswer(answer, { id, size }, now)
  if (answer !== undefined && answered === undefined) throw refuse('answer that an origin could send')
  return {
    id,
    url,
    sha256,
    size,
    headers: readHeaders(headers, now),
    ...(typeof source === 'string' && printable(source) === source && source.length < 2_000 && { source }),
    storedAt: Math.min(storedAt, now),
    validatedAt: Math.min(validatedAt, now),
    staleAt,
    lifetime,
    // A loaded entry counts as just used, so that it is evicted last.
    lastUsedAt: now,
    hits: 0,
    private: false,
    access: 'public',
    unverified: unverified === true,
    ...(answered !== undefined && { answer: answered }),
  }
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** A number that a date can hold. Older versions wrote fractions of milliseconds. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 8.64e15
}

/** By the rules for what an origin sends. */
function readHeaders(value: unknown, now: number): StoredHeaders {
  const text = (name: string): string | undefined => {
    const field = (value as Record<string, unknown> | null)?.[name]
    return typeof field === 'string' ? field : undefined
  }
  const fileName = text('fileName')
  return storedHeaders(
    {
      'content-type': text('contentType'),
      'content-encoding': text('contentEncoding'),
      etag: text('etag'),
      'last-modified': text('lastModified'),
      'content-disposition': fileName === undefined ? undefined : attachment(fileName),
    },
    now,
  )
}
