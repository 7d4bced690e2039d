/** Asks origins through the upstream client as the engine does, and reads what comes. */
import type { UpstreamProvider } from '#kiss/provider/types.js'
import { inOrder } from '#kiss/flight/sources.js'
import { openUpstream, type Seams } from '#kiss/upstream/client.js'
import type { OriginAnswer, OriginRequest, Origins, UpstreamOptions } from '#kiss/upstream/types.js'

/** A provider that adds nothing. */
export const plain: UpstreamProvider = { name: 'plain', priority: 0, matches: () => true, cacheKey: (url) => url }

/** What the guard has to let through for a test's own servers. */
export const LOOPBACK = ['127.0.0.0/8', '::1']

export interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly source: string | undefined
  readonly body: Buffer
}

/** A client of origins with shorthands for tests. Close it. */
export class Asker {
  readonly #origins: Origins

  static async open(options: UpstreamOptions = {}, seams: Seams = {}): Promise<Asker> {
    return new Asker(inOrder([], await openUpstream({ allow: LOOPBACK, env: {}, ...options }, seams)))
  }

  private constructor(origins: Origins) {
    this.#origins = origins
  }

  ask(url: string, request: Partial<OriginRequest> = {}): Promise<OriginAnswer> {
    const { signal } = new AbortController()
    const defaults = {
      provider: plain,
      method: 'GET',
      headers: {},
      clientCredential: false,
      signal,
      headersTimeout: 60_000,
    } as const
    return this.#origins.request({ url: new URL(url), ...defaults, ...request })
  }

  async get(url: string, request: Partial<OriginRequest> = {}): Promise<Got> {
    const answer = await this.ask(url, request)
    const { status, headers, source } = answer
    return { status, headers, source, body: await read(answer) }
  }

  close(): Promise<void> {
    return this.#origins.close()
  }
}

export async function read(answer: OriginAnswer): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of answer.body) parts.push(part)
  return Buffer.concat(parts)
}
