/** Requests and bytes by kind of answer. Pure. */

import { servedKinds } from '../../store/types.js'
import { count, size } from './format.js'
import { html, type Html } from './html.js'
import { listTable } from './list.js'
import type { View } from './view.js'

const meanings = {
  hit: 'from the store',
  collapsed: 'joined a download in flight',
  miss: 'downloaded for it',
  revalidated: 'from the store, after the origin confirmed it',
  stale: 'from the store, while the origin was down',
  failed: 'an error before the first byte',
} as const

export function kindTable({ status: { counts } }: View): Html {
  return listTable(
    'Requests and bytes by kind of answer',
    [
      { title: 'Answer', cell: (kind) => html`${kind} <span class="note">${meanings[kind]}</span>` },
      { title: 'Requests', kind: 'number', cell: (kind) => count(counts[`requests_${kind}`]) },
      { title: 'Bytes', kind: 'number', cell: (kind) => (kind === 'failed' ? '–' : size(counts[`served_${kind}`])) },
    ],
    [...servedKinds, 'failed' as const],
  )
}
