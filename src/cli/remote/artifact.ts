/** An artifact that streams from a kiss server: the shape of the engine's, read once from start to end. */

import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { KissError } from '../../errors.js'
import type { Artifact, Content } from '../../engine/types.js'
import { parseReprDigest } from '../../http/digest.js'
import { saysSignInPage, servedAs } from '../../http/cache-status.js'

export interface RemoteArtifactOptions {
  /** Displayable. */
  readonly url: string
  /** Displayable address of the server. */
  readonly server: string
  readonly response: IncomingMessage
  /** The sum that the caller requires, lower-case hex. */
  readonly promised: string | undefined
  readonly signal: AbortSignal
  /** Milliseconds that the next bytes may take. */
  readonly patience: number
  /** Requests the rest of a cut body; undefined if the server cannot continue it. */
  readonly rest?: (part: Part) => Promise<IncomingMessage | undefined>
}

/** What has arrived of a body. */
export interface Part {
  /** Bytes. */
  readonly received: number
  /** Bytes of the whole; undefined if the server did not announce them. */
  readonly length: number | undefined
  readonly etag: string | undefined
}

export function remoteArtifact(options: RemoteArtifactOptions): Artifact {
  const { url, response } = options
  const content = new RemoteContent(options)
  const cacheStatus = response.headers['cache-status']?.toString()
  const {
    'content-type': contentType,
    'content-encoding': contentEncoding,
    etag,
    'last-modified': lastModified,
  } = response.headers
  return {
    as: servedAs(cacheStatus),
    url,
    headers: {
      ...(contentType === undefined ? {} : { contentType }),
      ...(contentEncoding === undefined ? {} : { contentEncoding }),
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { lastModified }),
    },
    entry: undefined,
    private: false,
    detail: saysSignInPage(cacheStatus) ? 'sign-in-page' : undefined,
    // It is in the store of the server, not in the local one.
    stored: false,
    content,
    progress: () => ({ received: content.received, length: content.length }),
    finished: async () => undefined,
    path: () => '',
    sent: () => undefined,
    close: () => content.close(),
  }
}

class RemoteContent implements Content {
  readonly length: number | undefined
  received = 0
  complete = false
  sha256: string | undefined
  readonly #options: RemoteArtifactOptions
  /** The answer that is being read; another one after a cut. */
  #response: IncomingMessage
  #chunks: AsyncIterator<Buffer, undefined>
  readonly #hash = createHash('sha256')
  #rest: Buffer = Buffer.alloc(0)

  constructor(options: RemoteArtifactOptions) {
    this.#options = options
    const length = options.response.headers['content-length']
    this.length = length === undefined ? undefined : Number(length)
    this.#response = options.response
    this.#chunks = chunksOf(options.response)
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    if (position !== this.received) throw new KissError('internal', 'the stream of a server is read from start to end')
    if (this.#rest.length === 0) {
      const next = await this.#next()
      if (next === undefined) return this.#end()
      this.#rest = next
    }
    const bytes = this.#rest.copy(buffer)
    this.#hash.update(this.#rest.subarray(0, bytes))
    this.#rest = this.#rest.subarray(bytes)
    this.received += bytes
    return bytes
  }

  async close(): Promise<void> {
    this.#response.destroy()
  }

  async #next(): Promise<Buffer | undefined> {
    const { signal, server, url, patience } = this.#options
    const late = new KissError(
      'origin-timeout',
      `${server} sent nothing more of ${url} for ${patience / 1000} s, after ${this.received} bytes`,
    )
    // The timeout runs only during a read: a slow reader is no fault of the server.
    const timer = setTimeout(() => this.#response.destroy(late), patience)
    try {
      const next: IteratorResult<Buffer, undefined> = await this.#chunks.next()
      return next.value
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (error === late) throw late
      clearTimeout(timer)
      if (await this.#goOn()) return await this.#next()
      throw new KissError('origin-failed', `${server} broke off ${url} after ${this.received} bytes`, { cause: error })
    } finally {
      clearTimeout(timer)
    }
  }

  /** The connection broke: the rest comes by another one, where the server proves that it continues these bytes. */
  async #goOn(): Promise<boolean> {
    const { rest, response } = this.#options
    const { etag } = response.headers
    const more = await rest?.({ received: this.received, length: this.length, etag })
    if (more === undefined) return false
    this.#response = more
    this.#chunks = chunksOf(more)
    return true
  }

  #end(): 0 {
    const { server, url, promised } = this.#options
    this.sha256 ??= this.#hash.digest('hex')
    for (const expected of [promised, parseReprDigest(this.#response.headers['repr-digest']?.toString())]) {
      if (expected === undefined || expected === this.sha256) continue
      throw new KissError('digest-mismatch', `${server} sent ${url} with the SHA-256 ${this.sha256}, not ${expected}`)
    }
    this.complete = true
    return 0
  }
}

function chunksOf(response: IncomingMessage): AsyncIterator<Buffer, undefined> {
  return response[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>
}
