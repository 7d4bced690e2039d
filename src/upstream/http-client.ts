/** Small requests besides artifacts, for plugins: one attempt, no redirects, the whole answer in memory. Loads undici. */
import { KissError } from '../errors.js'
import type { HttpAnswer, HttpClient, HttpRequest } from '../provider/types.js'
import { Guard } from './guard.js'
import { joined } from './headers.js'
import { Network } from './network.js'
import { trusting } from './trust.js'
import type { UpstreamOptions } from './types.js'

/** Milliseconds for one answer, its body included. */
const TIMEOUT = 60_000
/** Bytes; a list of a thousand objects with the longest of names has a tenth of it. */
const LIMIT = 64 * 1024 * 1024

export interface HttpClientOptions extends Pick<UpstreamOptions, 'deny' | 'caFile' | 'env'> {
  /** Milliseconds, for tests. */
  readonly timeout?: number
}

/**
 * The settings of the operator or the user name its URLs, never a client: of the address guard only the deny list
 * applies. Throws KissError `configuration` for a CA file or a proxy.
 */
export async function createHttpClient(options: HttpClientOptions): Promise<HttpClient> {
  const { caFile, env = {}, timeout = TIMEOUT } = options
  const secureContext = caFile === undefined ? undefined : await trusting(caFile, process.env['NODE_EXTRA_CA_CERTS'])
  const network = new Network({ guard: new Guard({ ...options, guard: false }), secureContext, env, via: undefined })
  return (request) => ask(network, request, timeout)
}

async function ask(network: Network, request: HttpRequest, timeout: number): Promise<HttpAnswer> {
  const { method, url, headers = {}, content, signal } = request
  const late = AbortSignal.timeout(timeout)
  const limited = signal === undefined ? late : AbortSignal.any([signal, late])
  try {
    const response = await network.send({ method, url, headers, content, signal: limited })
    const body = await whole(response.body, url)
    return { status: response.statusCode, headers: joined(response.headers), body }
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof KissError) throw cause
    if (late.aborted) {
      throw new KissError('origin-timeout', `${url.host} did not answer within ${timeout / 1000} s`, { cause })
    }
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new KissError('origin-unreachable', `${url.host} cannot be reached: ${why}`, { cause })
  }
}

async function whole(body: AsyncIterable<Buffer>, url: URL): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > LIMIT) throw new KissError('origin-failed', `${url.host} answered with more than ${LIMIT} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
