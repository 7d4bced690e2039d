/** The nodes in the table of this node. Pure. */

import type { NodeState } from '../../engine/types.js'
import { ago, count, size } from './format.js'
import { html, type Html, type Part } from './html.js'
import { missingPage } from './missing.js'
import type { Page } from './layout.js'
import type { Reply } from '../reply.js'
import { listTable } from './list.js'
import type { PageContext } from './site.js'

export const nodesPath = /^\/nodes\/?$/

export function nodesPage(context: PageContext): Page | Reply {
  const { services, view, now } = context
  const { cluster } = services.engine
  if (!cluster) return missingPage(context)
  const nodes = [...cluster.nodes()].sort((a, b) => ((a.url ?? a.instance) < (b.url ?? b.instance) ? -1 : 1))
  const present = nodes.filter((node) => node.present).length
  return {
    title: 'Nodes',
    current: '/nodes/',
    refresh: 10,
    body: html`
      <p class="note">
        Each node has its own disk. <em>Filled</em> counts the bytes that a node received from other nodes,
        <em>lent</em> the bytes that it sent to them.
      </p>
      ${
        !cluster.reachable() &&
        html`<p class="empty">Redis does not answer: the table shows its last answer, and each node works alone.</p>`
      }
      <p class="note" role="status">
        ${count(present)} of ${count(nodes.length)} ${nodes.length === 1 ? 'node' : 'nodes'} present
      </p>
      ${nodes.length > 0 && nodeTable(nodes, view.status.instance, now)}
    `,
  }
}

function nodeTable(nodes: readonly NodeState[], own: string, now: number): Html {
  const totals =
    (read: (totals: NonNullable<NodeState['totals']>) => Part) =>
    (node: NodeState): Part =>
      node.totals ? read(node.totals) : '–'
  return listTable<NodeState>(
    'Nodes of the cluster',
    [
      { title: 'Node', cell: (node) => nameOf(node, node.instance === own) },
      { title: 'Version', kind: 'number', cell: ({ version }) => version ?? '–' },
      { title: 'State', kind: 'number', cell: stateOf },
      { title: 'Downloads', kind: 'number', cell: totals(({ downloading }) => count(downloading)) },
      { title: 'Filled', kind: 'number', cell: totals(({ counts }) => size(counts.filled)) },
      { title: 'Lent', kind: 'number', cell: totals(({ counts }) => size(counts.lent)) },
      { title: 'Last seen', kind: 'number', cell: ({ seenAt }) => ago(seenAt, now) },
    ],
    nodes,
  )
}

function nameOf({ url, instance }: NodeState, isOwn: boolean): Html {
  return html`<bdi>${url ?? instance}</bdi>${isOwn && html` <span class="mark">this node</span>`}`
}

function stateOf({ present, draining }: NodeState): Part {
  if (!present) return html`<span class="mark warn">absent</span>`
  return draining === true ? html`<span class="mark">draining</span>` : 'serving'
}
