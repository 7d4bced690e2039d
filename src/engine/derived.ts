/** Answers for URLs whose bytes come from another URL, or from a file in the archive behind another URL (`Source`). */

import { KissError } from '../errors.js'
import { attachment } from '../http/disposition.js'
import { evaluatePreconditions } from '../http/validation.js'
import type { Source as OtherUrl, UpstreamFailure } from '../provider/types.js'
import { fromProvider } from '../upstream/from-provider.js'
import { firstHop } from '../upstream/redirects.js'
import type { OriginAnswer, OriginRequest, Source } from '../upstream/types.js'
import type { Artifact, Content, FetchRequest } from './types.js'

type Fetch = (request: FetchRequest) => Promise<Artifact>

/** Bytes read at once. */
const CHUNK = 256 * 1024

/** The cache itself as a source, for bytes that come from another of its URLs. */
export function fromOtherUrl(fetch: Fetch): Source {
  return {
    async ask(request) {
      const { provider, method, url, clientCredential, signal } = request
      if (provider.source === undefined) return undefined
      const hop = firstHop(url, request.headers)
      const context = { signal, asked: url, hop: 0, clientCredential }
      const told = await fromProvider(provider, signal, () => provider.source?.({ method, ...hop }, context))
      if (told.failure !== undefined) return refusal(told.failure)
      if (told.value === undefined) return undefined
      if (provider.cacheKey(told.value.url).href === provider.cacheKey(url).href) {
        throw new KissError('credential', `${provider.name}: it names a URL as its own source`)
      }
      request.onStart?.()
      return answerFrom(told.value, { ...request, headers: hop.headers }, fetch)
    },
  }
}

async function answerFrom(source: OtherUrl, request: OriginRequest, fetch: Fetch): Promise<OriginAnswer> {
  const { url, member } = source
  const headers = Object.entries(request.headers).filter(([name]) => name !== 'range' && !name.startsWith('if-'))
  const validates = request.headers['if-none-match'] !== undefined || request.headers['if-modified-since'] !== undefined
  const artifact = await fetch({
    url,
    headers: Object.fromEntries(headers),
    refresh: validates,
    internal: true,
    signal: request.signal,
  })
  try {
    return await (member === undefined ? whole(artifact, request) : part(artifact, member, request))
  } catch (error) {
    await artifact.close('aborted')
    throw error
  }
}

/** Passes the bytes on while they arrive. */
async function whole(artifact: Artifact, request: OriginRequest): Promise<OriginAnswer> {
  const { content, headers } = artifact
  return answer(request, artifact, headers, content.length, () => bytesOf(content))
}

/** An archive is read after its last byte, because its directory is at its end. */
async function part(artifact: Artifact, path: string, request: OriginRequest): Promise<OriginAnswer> {
  const { content } = artifact
  await artifact.finished()
  const { sha256, length } = content
  if (sha256 === undefined || length === undefined) throw new KissError('internal', `${artifact.url} has no sum`)
  // Loaded only for archives, to keep the start of a hit fast.
  const { openMember } = await import('../store/zip.js')
  const member = await openMember({ length, read: (buffer, at) => content.read(buffer, at) }, path, artifact.url)
  // A member is unchanged as long as its archive is unchanged.
  return answer(request, artifact, { etag: `"${sha256}"` }, member.length, () => member.read())
}

function answer(
  request: OriginRequest,
  artifact: Artifact,
  { contentType, contentEncoding, etag, lastModified, fileName }: Artifact['headers'],
  length: number | undefined,
  bytes: () => AsyncGenerator<Buffer>,
): OriginAnswer {
  const validators = { ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }) }
  const unchanged = evaluatePreconditions(request.headers, validators, Date.now()) === 'not modified'
  const close = (): Promise<void> => artifact.close('done')
  async function* body(): AsyncGenerator<Buffer> {
    try {
      if (request.method === 'GET' && !unchanged) yield* bytes()
    } finally {
      await close()
    }
  }
  return {
    url: request.url,
    hop: 0,
    status: unchanged ? 304 : 200,
    headers: {
      // Bytes in the cache are read again from the start: no range is needed.
      'accept-ranges': 'none',
      ...(contentType !== undefined && { 'content-type': contentType }),
      ...(contentEncoding !== undefined && { 'content-encoding': contentEncoding }),
      ...(etag !== undefined && { etag }),
      ...(lastModified !== undefined && { 'last-modified': lastModified }),
      ...(fileName !== undefined && { 'content-disposition': attachment(fileName) }),
      ...(length === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(length) }),
    },
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
  return {
    url,
    hop,
    status,
    headers,
    kind: 'cache',
    body: { [Symbol.asyncIterator]: () => bytesOf(undefined) },
    discard: () => Promise.resolve(),
    excerpt: () => Promise.resolve(excerpt),
  }
}

async function* bytesOf(content: Content | undefined): AsyncGenerator<Buffer> {
  for (let position = 0; content !== undefined;) {
    const buffer = Buffer.allocUnsafe(CHUNK)
    const bytes = await content.read(buffer, position)
    if (bytes === 0) return
    position += bytes
    yield buffer.subarray(0, bytes)
  }
}
