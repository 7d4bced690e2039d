/** Asks for the length of a body that only the end of its connection delimited. */

import type { Head } from './directory.js'
import type { Order } from './order.js'
import type { Collaborators } from './collaborators.js'

/** Milliseconds. Every byte is here, and readers wait for the end. */
const TIMEOUT = 5_000

/** Bytes; undefined if the answer to HEAD has no length, or belongs to another version than `head`. */
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
    // A refusal of HEAD is no failure of the download.
    signal.throwIfAborted()
    return undefined
  }
}
