/** Downloads as LAVA's dispatcher does (HttpDownloadAction): the same requests, in the same order, with the same headers. */
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { readAll } from './client.js'

/** What LAVA asks again for; everything else it takes as the answer. */
const retried = new Set([408, 413, 420, 425, 429, 430, 500, 502, 503, 504, 507, 509, 529, 598])

/** Of `validate()`; `run()` has 15, over ten minutes. */
const validateRetries = 9

/** Milliseconds for the connection and between two reads. */
const timeout = 60_000

export interface Attempt {
  readonly method: string
  readonly status: number
  readonly retryAfter: string | undefined
}

export interface LavaOptions {
  /** The job's `headers`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Between two tries of one request: LAVA sleeps there. */
  readonly pause?: (attempt: Attempt) => Promise<void>
}

/** Throws what LAVA would fail the job with. */
export class LavaDownload {
  readonly attempts: Attempt[] = []
  /** `int(headers.get("content-length", -1))` */
  size = -1
  readonly #url: string
  readonly #options: LavaOptions

  constructor(url: string, options: LavaOptions = {}) {
    this.#url = url
    this.#options = options
  }

  /** Before the job starts: is it there, and how large is it? */
  async validate(): Promise<void> {
    const headers = { 'Accept-Encoding': '', ...this.#options.headers }
    let answer = await this.#retrying('HEAD', headers)
    if (answer.statusCode !== 200) {
      answer.destroy()
      answer = await this.#retrying('GET', headers)
    }
    const { statusCode: status = 0 } = answer
    if (status === 200) this.size = Number(answer.headers['content-length'] ?? -1)
    answer.destroy()
    if (status !== 200) throw new Error(`Resource unavailable at '${this.#url}' (${status})`)
  }

  /** When the job runs, perhaps much later. */
  async run(): Promise<Buffer> {
    const headers = { 'Accept-Encoding': 'gzip, deflate', ...this.#options.headers }
    const answer = await this.#retrying('GET', headers)
    if (answer.statusCode !== 200) {
      answer.destroy()
      throw new Error(`Unable to download '${this.#url}'`)
    }
    const { body, complete } = await readAll(answer)
    if (!complete) throw new Error(`Unable to download '${this.#url}': IncompleteRead`)
    const bytes = decoded(body, answer.headers['content-encoding'])
    if (this.size > 0 && bytes.length !== this.size)
      throw new Error(`Download finished (${bytes.length} bytes) but was not expected size (${this.size} bytes)`)
    return bytes
  }

  async #retrying(method: 'GET' | 'HEAD', headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
    for (let tries = 0; ; tries++) {
      const answer = await ask(this.#url, method, headers)
      const status = answer.statusCode ?? 0
      const attempt = { method, status, retryAfter: answer.headers['retry-after'] }
      this.attempts.push(attempt)
      if (!retried.has(status)) return answer
      answer.destroy()
      if (tries === validateRetries) throw new Error(`too many ${status} error responses`)
      await this.#options.pause?.(attempt)
    }
  }
}

async function ask(url: string, method: string, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
  const usual = { 'User-Agent': 'python-requests/2.32.3', Accept: '*/*', Connection: 'keep-alive' }
  const call = request(url, { method, headers: { ...usual, ...headers }, agent: false, timeout })
  call.on('timeout', () => call.destroy(new Error('Read timed out.'))).end()
  const [answer] = (await once(call, 'response')) as [IncomingMessage]
  call.on('error', () => undefined)
  return answer
}

/** As `iter_content` does. */
function decoded(body: Buffer, encoding: string | undefined): Buffer {
  if (encoding === undefined) return body
  const decoders: Record<string, (bytes: Buffer) => Buffer> = {
    gzip: gunzipSync,
    deflate: inflateSync,
    br: brotliDecompressSync,
  }
  return decoders[encoding]?.(body) ?? body
}

/** Python's `urllib.parse.quote_plus`. */
export function quotePlus(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}
