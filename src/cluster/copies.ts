/** `--copies`: other nodes that follow a download while it goes on, so that what has come is not lost with this one. */

import { createHash } from 'node:crypto'
import type { OriginAnswer } from '../upstream/types.js'
import { isStrong } from '../http/validation.js'
import type { Order } from '../flight/order.js'
import type { KeyId } from '../store/types.js'
import type { Nodes } from './nodes.js'
import type { Peers } from './peers.js'

export interface CopiesOptions {
  /** Nodes that are to have the bytes, this one included. */
  readonly count: number
  readonly nodes: Nodes
  readonly peers: Peers
}

/** What the origin has just begun to send: other nodes are asked, one after the other, until enough of them follow. */
export async function spread(
  order: Order,
  answer: OriginAnswer,
  { count, nodes, peers }: CopiesOptions,
): Promise<void> {
  if (!isWorthwhile(order, answer)) return
  const { id, shown: url, access, lifetime } = order
  const fields = { url, access, lifetime: String(lifetime) }
  let missing = count - 1
  // A node may have come since the last look.
  if (nodes.others().length < missing) await nodes.beat()
  for (const node of inOrderOf(id, nodes.others())) {
    if (missing === 0) return
    if (node.draining === true) continue
    // A node that is full, or gone, is no reason to fail.
    const follows = await peers.post(node.url, `api/v1/peer/${id}/follow`, fields).catch(() => undefined)
    if (follows !== undefined) missing--
  }
}

/** A private body without a strong validator is kept for its own credential alone: no copy of it helps anybody. */
function isWorthwhile({ access }: Order, { status, headers }: OriginAnswer): boolean {
  if (status !== 200 && status !== 206) return false
  const { etag } = headers
  return access !== 'client' || isStrong(typeof etag === 'string' ? etag : undefined)
}

/** Each key has an order of its own: the copies of all keys are spread evenly, and those of one key meet. */
function inOrderOf<T extends { readonly instance: string }>(id: KeyId, nodes: readonly T[]): T[] {
  const rank = ({ instance }: T): string => createHash('sha256').update(`${id} ${instance}`).digest('hex')
  return nodes
    .map((node) => ({ node, rank: rank(node) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ node }) => node)
}
