/** Answers for URLs that are names of another URL, and for files in the archive behind another URL (`Source`). */

import { createHash } from 'node:crypto'
import { KissError } from '../errors.js'
import { evaluatePreconditions } from '../http/validation.js'
import type { Source as OtherUrl, UpstreamFailure } from '../provider/types.js'
import { NAME } from '../store/names.js'
import { fromProvider } from '../upstream/from-provider.js'
import { firstHop, MAX_REDIRECTS } from '../upstream/redirects.js'
import type { OriginAnswer, OriginRequest, Source } from '../upstream/types.js'
import type { Artifact, FetchRequest } from './types.js'

type Fetch = (request: FetchRequest) => Promise<Artifact>

/** The cache itself as a source, for names and for files in archives. */
export function fromOtherUrl(fetch: Fetch): Source {
  const waits = new Set<Wait>()
  return {
    async ask(request) {
      const { provider, method, url, clientCredential, signal } = request
      if (provider.source === undefined) return undefined
      const hop = firstHop(url, request.headers)
      const context = { signal, asked: url, hop: 0, clientCredential }
      const told = await fromProvider(provider, signal, () => provider.source?.({ method, ...hop }, context))
      if (told.failure !== undefined) return refusal(told.failure)
      if (told.value === undefined) return undefined
      const { url: other, member } = told.value
      const wait = { from: provider.cacheKey(url).href, to: provider.cacheKey(other).href }
      const through = [...(request.through ?? []), wait.from]
      // A flight that waits for itself, also by way of the flight of another request, would never end.
      if (through.includes(wait.to) || leadsTo(wait.from, wait.to, waits) || through.length > MAX_REDIRECTS) {
        throw new KissError('credential', `${provider.name}: it names a URL as its own source`)
      }
      request.onStart?.()
      if (member === undefined) return nameOf(provider.cacheKey(other), request)
      waits.add(wait)
      try {
        return await memberOf({ url: other, member }, { ...request, headers: hop.headers, through }, fetch)
      } finally {
        waits.delete(wait)
      }
    },
  }
}

/** A URL whose bytes are in an archive that is still downloaded. */
interface Wait {
  readonly from: string
  /** The archive. */
  readonly to: string
}

/** Does `start` wait for `end`, perhaps by way of others? There is no circle among the waits. */
function leadsTo(end: string, start: string, waits: ReadonlySet<Wait>): boolean {
  return [...waits].some(({ from, to }) => from === start && (to === end || leadsTo(end, to, waits)))
}

/** The answer for a name: its body is the URL that the name stands for. */
function nameOf({ href }: URL, request: OriginRequest): OriginAnswer {
  // `freshness: origin` relays answers of origins. An origin would answer with a redirect.
  if (request.relay) return { ...answer(request, 302), headers: { location: href, 'content-length': '0' } }
  const etag = tagOf(createHash('sha256').update(href).digest('hex'))
  if (request.source === NAME && isHeld(request, etag))
    return { ...answer(request, 304), source: NAME, headers: { etag } }
  const bytes = Buffer.from(href)
  return {
    ...answer(request, 200, () => chunks(bytes)),
    source: NAME,
    // RFC 2483 §5.
    headers: { ...described(etag, bytes.length), 'content-type': 'text/uri-list' },
  }
}

/** The answer with the bytes of a file in an archive. The archive is read after its last byte, because its directory is at its end. */
async function memberOf(
  { url, member: path }: OtherUrl & { readonly member: string },
  request: OriginRequest,
  fetch: Fetch,
): Promise<OriginAnswer> {
  const headers = Object.entries(request.headers).filter(([name]) => name !== 'range' && !name.startsWith('if-'))
  const validates = request.headers['if-none-match'] !== undefined || request.headers['if-modified-since'] !== undefined
  const archive = await fetch({
    url,
    headers: Object.fromEntries(headers),
    refresh: validates,
    internal: true,
    through: request.through ?? [],
    signal: request.signal,
  })
  const close = (): Promise<void> => archive.close('done')
  try {
    await archive.finished()
    const { content, url: shown } = archive
    const { sha256, length } = content
    if (sha256 === undefined || length === undefined) throw new KissError('internal', `${shown} has no sum`)
    // Loaded only for archives, to keep the start of a hit fast.
    const { openMember } = await import('../store/zip.js')
    const member = await openMember({ length, read: (buffer, at) => content.read(buffer, at) }, path, shown)
    // A member is unchanged as long as its archive is unchanged.
    const etag = tagOf(sha256)
    if (request.source === undefined && isHeld(request, etag)) {
      await close()
      return { ...answer(request, 304), headers: { etag } }
    }
    return { ...answer(request, 200, () => member.read(), close), headers: described(etag, member.length) }
  } catch (error) {
    await archive.close('aborted')
    throw error
  }
}

function tagOf(sha256: string): string {
  return `"${sha256}"`
}

function isHeld({ headers }: OriginRequest, etag: string): boolean {
  return evaluatePreconditions(headers, { etag }, Date.now()) === 'not modified'
}

/** Bytes in the cache are read again from the start: no range is needed. */
function described(etag: string, length: number): Record<string, string> {
  return { 'accept-ranges': 'none', etag, 'content-length': String(length) }
}

function answer(
  { url, method }: Pick<OriginRequest, 'url' | 'method'>,
  status: number,
  bytes: () => AsyncGenerator<Buffer> = () => chunks(),
  close: () => Promise<void> = () => Promise.resolve(),
): Omit<OriginAnswer, 'headers'> {
  async function* body(): AsyncGenerator<Buffer> {
    try {
      if (method === 'GET') yield* bytes()
    } finally {
      await close()
    }
  }
  return {
    url,
    hop: 0,
    status,
    kind: 'cache',
    body: { [Symbol.asyncIterator]: body },
    discard: close,
    excerpt: async () => {
      await close()
      return ''
    },
  }
}

function refusal({ url, hop, status, headers, excerpt }: UpstreamFailure): OriginAnswer {
  return { ...answer({ url, method: 'GET' }, status), hop, headers, excerpt: () => Promise.resolve(excerpt) }
}

async function* chunks(...buffers: Buffer[]): AsyncGenerator<Buffer> {
  yield* buffers
}
