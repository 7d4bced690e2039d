/** Requests and bytes by how they were answered. Pure. */

import { servedKinds } from '../totals.js'
import { count, size } from './format.js'
import { html, type Html } from './html.js'
import type { View } from './view.js'

const meanings = {
  hit: 'from the store',
  collapsed: 'joined a download in flight',
  miss: 'downloaded for it',
  revalidated: 'from the store, after the origin confirmed it',
  stale: 'from the store, while the origin was down',
} as const

export function kindTable({ status: { counts } }: View): Html {
  return html`<table class="list">
    <caption class="unseen">
      Requests and bytes by kind of answer
    </caption>
    <thead>
      <tr>
        <th scope="col">Answer</th>
        <th scope="col" class="number">Requests</th>
        <th scope="col" class="number">Bytes</th>
      </tr>
    </thead>
    <tbody>
      ${servedKinds.map(
        (kind) =>
          html`<tr>
            <th scope="row">${kind} <span class="note">${meanings[kind]}</span></th>
            <td data-label="Requests" class="number">${count(counts[`requests_${kind}`])}</td>
            <td data-label="Bytes" class="number">${size(counts[`served_${kind}`])}</td>
          </tr>`,
      )}
      <tr>
        <th scope="row">failed <span class="note">an error before the first byte</span></th>
        <td data-label="Requests" class="number">${count(counts.requests_failed)}</td>
        <td data-label="Bytes" class="number">–</td>
      </tr>
    </tbody>
  </table>`
}
