/** The answers of ListObjectsV2, read. Pure. */

import { decodeStrict } from './object-key.js'

export interface ListedObject {
  readonly key: string
  /** Bytes; null where the endpoint does not tell. */
  readonly size: number | null
  /** As S3 writes it: `2026-01-02T03:04:05.000Z`. */
  readonly lastModified: string
  readonly etag: string
}

export interface Page {
  readonly objects: readonly ListedObject[]
  /** What keys have in common up to the delimiter. */
  readonly prefixes: readonly string[]
  /** Another page follows. */
  readonly isTruncated: boolean
  /** Where the next page begins; undefined: this was the last. */
  readonly next: string | undefined
}

/** undefined where the text is no listing. */
export function parsePage(xml: string): Page | undefined {
  if (!/<ListBucketResult[\s>]/.test(xml)) return undefined
  // Asked for, because XML cannot hold every character of a key; not everybody does it.
  const encoded = element(xml, 'EncodingType') === 'url'
  const name = (text: string): string => (encoded ? (decodeStrict(text.replaceAll('+', ' ')) ?? text) : text)
  const objects = blocks(xml, 'Contents').map((block) => ({
    key: name(element(block, 'Key') ?? ''),
    size: sizeOf(element(block, 'Size')),
    lastModified: element(block, 'LastModified') ?? '',
    etag: element(block, 'ETag') ?? '',
  }))
  const prefixes = blocks(xml, 'CommonPrefixes').map((block) => name(element(block, 'Prefix') ?? ''))
  const isTruncated = element(xml, 'IsTruncated') === 'true'
  return { objects, prefixes, isTruncated, next: isTruncated ? element(xml, 'NextContinuationToken') : undefined }
}

/**
 * A URL of an object as people type it, which `kiss fetch` takes; encoded are only characters that would end or change it,
 * and those that a terminal does not show.
 */
export function typedUrl(bucket: string, key: string): string {
  const typed = key.replace(/[%?#\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]| $/gu, (c) => encodeURIComponent(c))
  return `s3://${bucket}/${typed}`
}

function sizeOf(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null
}

function blocks(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))].map((match) => match[1] ?? '')
}

function element(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
  return text?.replace(/&(?:#\d+|#x[0-9a-f]+|amp|lt|gt|quot|apos);/gi, character)
}

const words: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'" }

function character(reference: string): string {
  const number = /^&#(x?)([0-9a-f]+);$/i.exec(reference)
  if (number === null) return words[reference] ?? reference
  const code = parseInt(number[2] ?? '', number[1] === '' ? 10 : 16)
  return code <= 0x10ffff ? String.fromCodePoint(code) : reference
}
