/** The page of one entry: its fields, and the forms of the administrator. */

import type { Rule } from '../../engine/rules/rules.js'
import type { EntryDetails, ShownEntry } from '../../engine/types.js'
import type { Entry } from '../../store/types.js'
import { formatDuration, formatSize } from '../../units.js'
import { ago, count, moment, size } from './format.js'
import { hitChart } from './hit-chart.js'
import { html, type Html, type Part } from './html.js'
import { kissUrl } from './kiss-url.js'
import type { Page } from './layout.js'
import { markTexts, nameOf } from './parts.js'
import type { PageContext } from './site.js'
import { missingEntry } from './missing.js'
import { plainEntryTable } from './table.js'

export const entryPagePath = /^\/entries\/([0-9a-f]{8,64})\/?$/

/** The entry with the id in the address, if this role may see it. */
export async function findEntry({ request, services }: PageContext): Promise<EntryDetails | undefined> {
  const found = await services.engine.entry(request.params[0] ?? '')
  return found?.entry.private === true && request.role !== 'admin' ? undefined : found
}

const done: Readonly<Record<string, string>> = {
  confirmed: 'The origin confirmed the entry: it is fresh again.',
  pinned: 'The entry is pinned: neither the quota nor a filter removes it.',
  unpinned: 'The entry is not pinned any more.',
  downloading: 'The origin has another version, which is being downloaded.',
}

export async function entryPage(context: PageContext): Promise<Page> {
  const { now, query, token } = context
  const details = await findEntry(context)
  if (details === undefined) return missingEntry
  const { entry, rule, hitsByDay } = details
  const said = done[query.get('done') ?? '']
  return {
    title: nameOf(entry.url),
    current: '/resources/successes/',
    body: html`
      ${said !== undefined && html`<p class="done" role="status">${said}</p>`} ${addresses(entry, context)}
      <div class="columns">
        <section aria-labelledby="facts">
          <h2 id="facts">Content</h2>
          ${facts(contentFacts(entry))}
        </section>
        <section aria-labelledby="times">
          <h2 id="times">Times</h2>
          ${facts(timeFacts(entry, rule, now))}
        </section>
      </div>
      <section aria-labelledby="hits">
        <h2 id="hits">Hits by day</h2>
        ${hitChart(hitsByDay, entry.hits, now)}
      </section>
      ${sharingSection(details, context)} ${token !== undefined && actions(entry, token)}
    `,
  }
}

/** Why a request with the shown URL alone does not get the artifact. */
function obstacle({ url, private: isPrivate }: Entry): string | undefined {
  if (url.endsWith('?…'))
    return 'kiss does not store the query or the credential of this URL. A request needs the whole URL.'
  return isPrivate ? 'A request needs a credential that the origin accepts.' : undefined
}

export function isAskable(entry: Entry): boolean {
  return obstacle(entry) === undefined
}

function addresses(entry: Entry, { request }: PageContext): Html {
  const reason = obstacle(entry)
  return html`<section aria-labelledby="addresses">
    <h2 id="addresses" class="unseen">Addresses</h2>
    <div class="address">
      <h3>URL${markTexts(entry)}</h3>
      ${copyable('origin-url', 'URL', entry.url)}
      <h3>Through this cache</h3>
      ${
        reason === undefined
          ? html`${copyable('kiss-url', 'kiss URL', kissUrl(request.base, entry.url))}
              <p class="note"><a href="/api/v1/fetch?url=${encodeURIComponent(entry.url)}">Download it</a></p>`
          : html`<p class="note">${reason}</p>`
      }
    </div>
  </section>`
}

function copyable(id: string, what: string, text: string): Html {
  return html`<div class="code">
    <pre id="${id}"><code>${text}</code></pre>
    <button type="button" data-copy="${id}" aria-label="Copy the ${what}" hidden>Copy</button>
  </div>`
}

type Fact = readonly [name: string, value: Part] | false

function facts(all: readonly Fact[]): Html {
  return html`<dl class="facts">
    ${all.map(
      (fact) =>
        fact !== false &&
        html`<div>
          <dt>${fact[0]}</dt>
          <dd>${fact[1]}</dd>
        </div>`,
    )}
  </dl>`
}

const headerNames: Readonly<Record<string, string>> = {
  contentType: 'Content-Type',
  contentEncoding: 'Content-Encoding',
  etag: 'ETag',
  lastModified: 'Last-Modified',
}

function contentFacts({ id, size: bytes, sha256, headers, source, unverified }: Entry): Fact[] {
  return [
    ['Size', html`${size(bytes)} <span class="note">${count(bytes)} bytes</span>`],
    ['SHA-256', html`<code>${sha256}</code>`],
    ...Object.entries(headers).map(([name, value]: [string, string]): Fact => [
      headerNames[name] ?? name,
      html`<code>${value}</code>`,
    ]),
    source !== undefined && ['Source', html`<bdi>${source}</bdi>`],
    unverified && ['Unverified', 'only the end of the connection marked the end of the body'],
    ['Id', html`<code>${id.slice(0, 16)}</code> <span class="note">for kiss list and kiss purge</span>`],
  ]
}

function timeFacts(
  { storedAt, validatedAt, staleAt, lifetime, lastUsedAt, hits, pinnedUntil }: ShownEntry,
  rule: Rule | undefined,
  now: number,
): Fact[] {
  const when = (at: number): Html => html`${ago(at, now)} <span class="note">${moment(at)}</span>`
  const fresh = html`for ${formatDuration(staleAt - now)} <span class="note">until ${moment(staleAt)}</span>`
  const stale = html`<span class="mark warn">stale</span> <span class="note">since ${moment(staleAt)}</span>`
  return [
    ['Stored', when(storedAt)],
    ['Validated', when(validatedAt)],
    ['Fresh', staleAt > now ? fresh : stale],
    ['Lifetime', html`${formatDuration(lifetime)} after each validation`],
    ['Rule', rule === undefined ? 'none of the settings' : ruleText(rule)],
    pinnedUntil !== undefined && [
      'Pinned',
      pinnedUntil === Infinity ? 'until it is unpinned' : html`until ${moment(pinnedUntil)}`,
    ],
    ['Last use', when(lastUsedAt)],
    ['Hits', count(hits)],
  ]
}

/** The rule of the settings that matches the URL. */
function ruleText(rule: Rule): Html {
  const { match, ttl, staleIfError, freshness, store, maxSize, connections, share, sha256From } = rule
  const parts = [
    ttl !== undefined && `ttl ${formatDuration(ttl)}`,
    staleIfError !== undefined && `stale-if-error ${formatDuration(staleIfError)}`,
    freshness !== undefined && 'freshness as the origin says',
    store !== undefined && 'no longer stored',
    maxSize !== undefined && `max-size ${formatSize(maxSize)}`,
    connections !== undefined && `connections ${connections}`,
    share !== undefined && `share ${share}`,
    sha256From !== undefined && `sha256-from ${sha256From}`,
  ]
  return html`<code>${match.join(', ')}</code>
    <span class="note">${parts.filter((part) => part !== false).join(', ')}</span>`
}

/** Other entries with the same body. Only the administrator sees the number of private ones. */
function sharingSection({ sharing, sharedByMore }: EntryDetails, { request, now }: PageContext): Html | false {
  const shown = sharing.filter((other) => request.role === 'admin' || !other.private)
  if (shown.length === 0) return false
  const isOne = shown.length === 1 && !sharedByMore
  const others = `${count(shown.length)}${sharedByMore ? ' or more' : ''} other ${isOne ? 'entry has' : 'entries have'}`
  return html`<section aria-labelledby="sharing">
    <h2 id="sharing">Entries with the same body</h2>
    <p class="note">${others} the same content, which is stored once.</p>
    ${plainEntryTable('Entries with the same content', shown.slice(0, 50), now)}
  </section>`
}

function actions(entry: ShownEntry, token: string): Html {
  const path = `/entries/${entry.id}`
  const field = html`<input type="hidden" name="token" value="${token}" />`
  return html`<section aria-labelledby="actions">
    <h2 id="actions">For the administrator</h2>
    <div class="actions">
      ${
        isAskable(entry) &&
        html`<form method="post" action="${path}/refresh">
          ${field}<button>Refresh</button>
          <span class="note">Validates the entry with its origin now.</span>
        </form>`
      }
      ${
        entry.pinnedUntil === undefined
          ? html`<form method="post" action="${path}/pin">
              ${field}<button>Pin</button>
              <span class="note">Neither the quota nor a filter removes a pinned entry.</span>
            </form>`
          : html`<form method="post" action="${path}/unpin">
              ${field}<button>Unpin</button>
              <span class="note">The quota and filters can remove the entry again.</span>
            </form>`
      }
      <details class="confirm">
        <summary class="button">Purge …</summary>
        <form method="post" action="${path}/purge">
          ${field}
          <p>Remove this entry? Readers that have it open finish; the next request downloads it again.</p>
          <button class="danger">Purge it</button>
        </form>
      </details>
    </div>
  </section>`
}
