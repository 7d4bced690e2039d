/** Failures, grouped by artifact and reason. Pure. */

import type { FailureRecord } from '../../engine/types.js'
import { isErrorCode, type ErrorCode } from '../../errors.js'
import { ago, count } from './format.js'
import { html, type Html, type Part } from './html.js'
import type { Comparisons } from './kisscache-order.js'
import { listTable } from './list.js'
import { artifact } from './parts.js'

/** The failures of one artifact with one reason. */
export interface FailureGroup {
  /** The newest failure. */
  readonly last: FailureRecord
  readonly times: number
  /** Time of the oldest failure in the list, in milliseconds since the epoch. */
  readonly firstAt: number
  /** Addresses of the clients, the latest first. */
  readonly clients: readonly string[]
}

/** @param failures newest first; the groups have the same order */
export function groupFailures(failures: readonly FailureRecord[]): FailureGroup[] {
  const groups = new Map<string, FailureGroup>()
  for (const failure of failures) {
    const { url, code, status, at, client } = failure
    const key = JSON.stringify([url, code, status])
    const { last = failure, times = 0, clients = [] } = groups.get(key) ?? {}
    const isNew = client !== undefined && !clients.includes(client)
    groups.set(key, { last, times: times + 1, firstAt: at, clients: isNew ? [...clients, client] : clients })
  }
  return [...groups.values()]
}

/** The fields by which KissCache sorts its failures. */
export const failureFields: Comparisons<FailureGroup> = {
  url: ({ last }) => last.url,
  status_code: ({ last }) => last.status ?? 0,
  last_usage: ({ last }) => last.at,
  created_at: ({ firstAt }) => firstAt,
  usage: ({ times }) => times,
}

export function failureTable(groups: readonly FailureGroup[], now: number): Html {
  return listTable<FailureGroup>(
    'Downloads that failed',
    [
      { title: 'Artifact', cell: ({ last }) => artifact(last.url, last) },
      { title: 'Reason', kind: 'reason', phone: {}, cell: ({ last }) => reason(last) },
      { title: 'Status', kind: 'number', phone: {}, cell: ({ last }) => last.status ?? unknown },
      { title: 'Times', kind: 'number', phone: {}, cell: times },
      { title: 'Client', kind: 'number', phone: {}, cell: clientsOf },
      { title: 'Last', kind: 'number', phone: {}, cell: ({ last }) => ago(last.at, now) },
      { title: 'Next try', kind: 'number', phone: { before: 'next try: ' }, cell: ({ last }) => nextTry(last, now) },
    ],
    groups,
  )
}

/** On a phone an unknown value is left out. */
const unknown = html`<span class="desk">–</span>`

function reason({ url, code, message }: FailureRecord): Html {
  return html`<span>${reasonOf(code)}</span> <bdi class="note">${withoutUrl(message, url)}</bdi>`
}

/** The row shows the artifact, so the reason leaves it out. */
function withoutUrl(message: string, url: string): string {
  const beginning = `cannot fetch ${url}`
  return message.startsWith(beginning)
    ? message.slice(beginning.length).replace(/^[:,\s]+/, '')
    : message.replaceAll(url, 'it')
}

function times({ times: n, firstAt }: FailureGroup): Part {
  const since = new Date(firstAt).toISOString().replace('T', ' ').slice(0, 19)
  return n === 1
    ? html`<span class="desk">1</span>`
    : html`<span title="${`since ${since} UTC`}">${count(n)}</span><span class="phone"> times</span>`
}

function clientsOf({ clients: [first, ...others] }: FailureGroup): Part {
  if (first === undefined) return unknown
  return html`<bdi>${first}</bdi
    >${others.length > 0 && html` <span class="note" title="${others.join(', ')}">+${others.length}</span>`}`
}

/** While a failure is cached, requests get the cached failure. After that the next request starts a new download. */
function nextTry({ retryAt }: FailureRecord, now: number): Part {
  if (retryAt === undefined || retryAt <= now) return 'next request'
  const iso = new Date(retryAt).toISOString()
  return html`<time datetime="${iso}" title="${iso.slice(0, 19).replace('T', ' ')} UTC"
    >in ${Math.ceil((retryAt - now) / 1000)}s</time
  >`
}

/** Contains only codes that can end a download. */
const reasons: Partial<Readonly<Record<ErrorCode, string>>> = {
  'origin-refused': 'The origin refused the request',
  'origin-failed': 'The origin failed',
  'origin-unreachable': 'The origin is unreachable or keeps failing',
  'origin-timeout': 'No answer of the origin in time',
  'upstream-forbidden': 'The settings forbid this upstream',
  'content-changed': 'The content changed during the download',
  'length-mismatch': 'The body does not have its announced length',
  'digest-mismatch': 'The content does not have the expected SHA-256',
  'out-of-time': 'The time limit was reached',
  credential: 'kiss could not create a credential',
  quota: 'The quota has no room for the artifact',
  disk: 'The disk of the cache failed',
  internal: 'kiss failed; see its log',
}

/** The reason of a failed download, in words for users. */
export function reasonOf(code: string): string {
  return (isErrorCode(code) ? reasons[code] : undefined) ?? 'The download failed'
}
