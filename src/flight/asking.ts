/** The requests of a download, and the classification of their answers. Pure. */

import { saysSignInPage } from '../http/cache-status.js'
import { isSignInPage } from '../http/sign-in.js'
import type { OriginAnswer, OriginRequest } from '../upstream/types.js'
import type { Order } from './order.js'
import type { Ask, Verdict } from './resume.js'

/** The fields that all requests of an order share. */
export function requestFor(
  order: Order,
  { headers, source }: Pick<Ask, 'headers' | 'source'>,
): Omit<OriginRequest, 'signal' | 'headersTimeout'> {
  const { url, provider, ttl, insists, client, lane, relay, via, through } = order
  return {
    url,
    provider,
    method: 'GET',
    headers: { ...order.headers, ...headers },
    clientCredential: order.ownRight,
    source,
    ttl,
    refresh: insists,
    client,
    lane,
    relay,
    via,
    through,
  }
}

/** Is the answer a sign-in page in place of the artifact? A parent reports it in its answer; for others the redirects decide. */
export function isSignIn({ kind, cacheStatus, url, hop, headers }: OriginAnswer, order: Order): boolean {
  return kind === 'parent' ? saysSignInPage(cacheStatus) : isSignInPage({ asked: order.url, url, hop, headers })
}

/** The meaning of an answer for the bytes on disk, for --verbose. A failure is reported with the pause that follows it. */
export const decisions: Readonly<Record<Verdict['kind'], string | undefined>> = {
  begin: undefined,
  append: 'the answer continues the bytes that are here',
  compare: 'the answer begins anew: its bytes are compared with those that are here',
  changed: 'the content has changed: the download begins anew',
  renewed: 'the content has not changed',
  complete: 'every byte is here already',
  distrust: 'the answer does not prove that it continues the bytes that are here: kiss asks for the whole',
  failure: undefined,
}
