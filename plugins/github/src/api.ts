/** Questions to the API of a GitHub. An answer is asked for again with its ETag: a 304 costs no quota. */

import { createHash } from 'node:crypto'
import type { HttpClient, UpstreamFailure } from 'kiss-cache'
import type { Place } from './place.js'

type Headers = Readonly<Record<string, string>>

export interface Asking {
  /** The `authorization` of the request that needs the answer. */
  readonly authorization: string | undefined
  readonly hop: number
  readonly signal: AbortSignal
}

/** Answers that are kept at once; the oldest goes first. */
const CAPACITY = 1000

/** Repositories are renamed; the API redirects. */
const MAX_REDIRECTS = 3

export class Api {
  readonly #place: Place
  readonly #http: HttpClient
  readonly #kept = new Map<string, { readonly etag: string; readonly body: unknown }>()

  constructor(place: Place, http: HttpClient) {
    this.#place = place
    this.#http = http
  }

  get base(): URL {
    return new URL(`${this.#place.api}/`)
  }

  /**
   * The JSON at `path`, below the base of the API. Throws an error with a property `failure` where the API answers
   * otherwise, and what the HTTP client throws.
   */
  async get(path: string, asking: Asking): Promise<unknown> {
    const { authorization, signal } = asking
    const headers: Record<string, string> = {
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
      ...(authorization !== undefined && { authorization }),
    }
    const key = createHash('sha256')
      .update(JSON.stringify([path, authorization]))
      .digest('hex')
    const kept = this.#kept.get(key)
    if (kept !== undefined) headers['if-none-match'] = kept.etag
    let url = new URL(`${this.#place.api}/${path}`)
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#http({ method: 'GET', url, headers, signal })
      if (answer.status === 304 && kept !== undefined) return kept.body
      const target = redirects < MAX_REDIRECTS ? redirectOf(url, answer.status, answer.headers) : undefined
      if (target !== undefined) {
        url = target
        continue
      }
      const text = Buffer.from(answer.body).toString()
      if (answer.status !== 200) throw failed(url, asking.hop, answer.status, answer.headers, text)
      const body = parsed(text)
      if (body === undefined) throw failed(url, asking.hop, 502, answer.headers, 'no JSON')
      this.#keep(key, answer.headers['etag'], body)
      return body
    }
  }

  #keep(key: string, etag: string | undefined, body: unknown): void {
    this.#kept.delete(key)
    if (etag === undefined) return
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < CAPACITY) break
      this.#kept.delete(oldest)
    }
    this.#kept.set(key, { etag, body })
  }
}

/** Within the API alone: the token goes nowhere else. */
function redirectOf(url: URL, status: number, { location = '' }: Headers): URL | undefined {
  if (![301, 302, 307, 308].includes(status) || !URL.canParse(location, url.href)) return undefined
  const target = new URL(location, url)
  return target.origin === url.origin ? target : undefined
}

/** An error that kiss takes for the origin's answer. */
export function failed(url: URL, hop: number, status: number, headers: Headers, excerpt: string): Error {
  const failure: UpstreamFailure = { url, hop, status, headers, excerpt: excerpt.slice(0, 4096) }
  return Object.assign(new Error(`the API answered ${status}`), { failure })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined // reported as a broken answer of the API
  }
}
