/** Lists a bucket: page after page, at the right region, once more where S3 is busy. */

import { setTimeout as delay } from 'node:timers/promises'
import { KissError, type HttpClient } from 'kiss-cache/plugin'
import type { Access } from './access.js'
import { errorCode, meaning } from './failure.js'
import { parsePage, type Page } from './listing.js'
import type { Found } from './places.js'

export interface ListOptions {
  readonly access: Access
  readonly http: HttpClient
  readonly bucket: Found
  readonly prefix: string
  /** Everything below the prefix, not only the next level. */
  readonly recursive: boolean
  readonly signal: AbortSignal
}

/** Attempts for one page, and milliseconds before the second; each further wait is twice as long. */
const ATTEMPTS = 5
const FIRST_WAIT = 500

/** Throws KissError: `origin-refused` (S3 says no), `origin-failed` (no listing, or a part of one), `origin-unreachable`, `credential`. */
export async function* listPages(options: ListOptions): AsyncGenerator<Page> {
  let next: string | undefined
  do {
    const page = await readPage(options, {
      'list-type': '2',
      'encoding-type': 'url',
      prefix: options.prefix,
      ...(options.recursive ? {} : { delimiter: '/' }),
      ...(next === undefined ? {} : { 'continuation-token': next }),
    })
    yield page
    if (page.isTruncated && (page.next === undefined || page.next === '' || page.next === next)) {
      const name = `s3: bucket ${options.bucket.object.bucket}`
      throw new KissError('origin-failed', `${name}: the listing is cut off: the endpoint names no next page`)
    }
    next = page.next
  } while (next !== undefined)
}

async function readPage(options: ListOptions, query: Record<string, string>): Promise<Page> {
  const { access, bucket, signal } = options
  const name = `s3: bucket ${bucket.object.bucket}`
  for (let attempt = 1; ; attempt++) {
    const { status, headers, text, url } = await get(options, query, name)
    if (status === 200) {
      const page = parsePage(text)
      if (page !== undefined) return page
      throw new KissError('origin-failed', `${name}: the answer is no listing; is the endpoint an S3?`)
    }
    const failure = { url, hop: 0, status, headers, excerpt: text.slice(0, 4096) }
    const code = errorCode(failure)
    const means = access.learn(failure, bucket) ?? meaning(code) ?? (status >= 500 ? 'retry' : 'denied')
    if (attempt < ATTEMPTS && means === 'reauthorise') continue
    if (attempt < ATTEMPTS && means === 'retry') {
      await delay(FIRST_WAIT * 2 ** (attempt - 1), undefined, { signal })
      continue
    }
    const what = `${name}: ${code ?? `status ${status}`}`
    if (means === 'retry') throw new KissError('origin-unreachable', what, { hint: 'retry later' })
    throw new KissError('origin-refused', what, { status })
  }
}

interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly url: URL
}

async function get(options: ListOptions, query: Record<string, string>, name: string): Promise<Got> {
  const { access, http, bucket, signal } = options
  const { url, headers } = await access.bucketRequest(bucket, query).catch((cause: unknown) => {
    throw new KissError('credential', `s3: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  })
  try {
    const answer = await http({ method: 'GET', url, headers, signal })
    return { ...answer, text: Buffer.from(answer.body).toString(), url }
  } catch (cause) {
    if (!(cause instanceof KissError)) throw cause
    throw new KissError(cause.code, `${name}: ${cause.message}`, { cause })
  }
}
