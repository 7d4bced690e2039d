/** Asks how long a body is whose end was that of its connection. */

import type { Head } from './directory.js'
import type { Order } from './order.js'
import type { Collaborators } from './collaborators.js'

/** Milliseconds: every byte is here, and somebody waits for the end. */
const TIMEOUT = 5_000

/** Bytes; undefined where a HEAD does not tell, or speaks of another version than `head`. */
export async function lengthByHead(
  order: Order,
  head: Head | undefined,
  { origins }: Pick<Collaborators, 'origins'>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { url, provider, headers, ownRight } = order
  const network = await origins()
  try {
    const answer = await network.request({
      url,
      provider,
      method: 'HEAD',
      headers,
      clientCredential: ownRight,
      source: head?.source,
      signal,
      headersTimeout: TIMEOUT,
    })
    await answer.discard()
    const length = answer.headers['content-length']
    if (answer.status !== 200 || length === undefined || answer.headers['etag'] !== head?.headers.etag) return undefined
    return Number(length)
  } catch {
    // An origin that refuses HEAD does not matter.
    signal.throwIfAborted()
    return undefined
  }
}
