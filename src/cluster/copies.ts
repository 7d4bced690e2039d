/** Implements `--copies`: other nodes follow a download while it runs, so that its bytes survive the loss of this node. */

import { createHash } from 'node:crypto'
import type { OriginAnswer } from '../upstream/types.js'
import { isStrong } from '../http/validation.js'
import type { Order } from '../flight/subject.js'
import type { KeyId } from '../store/types.js'
import type { Nodes } from './nodes.js'
import type { Peers } from './peers.js'

export interface CopiesOptions {
  /** Number of nodes that should have the bytes, this one included. */
  readonly count: number
  readonly nodes: Nodes
  readonly peers: Peers
}

/** The origin has begun to send a body: asks other nodes, one after the other, until enough of them follow the download. */
export async function spread(
  order: Order,
  answer: OriginAnswer,
  { count, nodes, peers }: CopiesOptions,
): Promise<void> {
  if (!isWorthwhile(order, answer)) return
  const { id, shown: url, access, lifetime } = order
  const fields = { url, access, lifetime: String(lifetime) }
  let missing = count - 1
  // A node may have joined since the table was read.
  if (nodes.others().length < missing) await nodes.beat()
  for (const node of inOrderOf(id, nodes.others())) {
    if (missing === 0) return
    if (node.draining === true) continue
    // A node that is full or gone does not make the download fail.
    const follows = await peers.post(node.url, `api/v1/peer/${id}/follow`, fields).catch(() => undefined)
    if (follows !== undefined) missing--
  }
}

/** A private body without a strong validator is kept for one credential only, so a copy would be useless. */
function isWorthwhile({ access }: Order, { status, headers }: OriginAnswer): boolean {
  if (status !== 200 && status !== 206) return false
  const { etag } = headers
  return access !== 'client' || isStrong(typeof etag === 'string' ? etag : undefined)
}

/** The order of the nodes depends on the key: copies are spread evenly, and all copies of one key go to the same nodes. */
function inOrderOf<T extends { readonly instance: string }>(id: KeyId, nodes: readonly T[]): T[] {
  const rank = ({ instance }: T): string => createHash('sha256').update(`${id} ${instance}`).digest('hex')
  return nodes
    .map((node) => ({ node, rank: rank(node) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ node }) => node)
}
