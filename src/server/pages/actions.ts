/** Actions of the signed-in administrator: refresh or purge one entry, or purge many entries after a preview. */

import { asKissError } from '../../errors.js'
import type { EntryChoice } from '../../store/listing.js'
import type { Reply } from '../reply.js'
import { choiceFields, isChoosing, listQueryText, readChoice } from './entry-list.js'
import { count, moment, size } from './format.js'
import { html, type Html } from './html.js'
import type { Page } from './layout.js'
import { missingEntry } from './missing.js'
import { type PageContext, seeOther } from './site.js'
import { findEntry, isAskable } from './entry.js'
import { plainEntryTable } from './table.js'

export const refreshPath = /^\/entries\/([0-9a-f]{8,64})\/refresh$/
export const purgePath = /^\/entries\/([0-9a-f]{8,64})\/purge$/
export const pinPath = /^\/entries\/([0-9a-f]{8,64})\/pin$/
export const unpinPath = /^\/entries\/([0-9a-f]{8,64})\/unpin$/
export const purgeManyPath = /^\/entries\/purge\/?$/

/** Answers as soon as the origin has answered. A new version is downloaded in the background. */
export async function refreshEntry(context: PageContext): Promise<Page | Reply> {
  const { services, request } = context
  const entry = (await findEntry(context))?.entry
  if (entry === undefined || !isAskable(entry)) return missingEntry
  try {
    const artifact = await services.engine.fetch({
      url: new URL(entry.url),
      refresh: true,
      signal: request.signal,
      patience: services.patience,
      client: request.client,
    })
    const isNew = artifact.entry === undefined
    await artifact.close('done')
    return seeOther(`/entries/${entry.id}?done=${isNew ? 'downloading' : 'confirmed'}`)
  } catch (error) {
    const { status, message, code } = asKissError(error)
    request.notes.code = code
    return {
      status,
      title: 'Not refreshed',
      current: '/resources/successes/',
      body: html`<p>${message}</p>
        <p><a href="/entries/${entry.id}">Back to the entry</a></p>`,
    }
  }
}

export async function purgeEntry(context: PageContext): Promise<Page | Reply> {
  const entry = (await findEntry(context))?.entry
  if (entry === undefined) return missingEntry
  const { removed } = await context.services.engine.purge({ ids: [entry.id] })
  return seeOther(`/resources/successes/?removed=${removed}`)
}

/** Pins the entry: neither the quota nor a purge by filters removes it. */
export async function pinEntry(context: PageContext): Promise<Page | Reply> {
  const entry = (await findEntry(context))?.entry
  if (entry === undefined) return missingEntry
  await context.services.engine.pin({ ids: [entry.id] }, undefined)
  return seeOther(`/entries/${entry.id}?done=pinned`)
}

export async function unpinEntry(context: PageContext): Promise<Page | Reply> {
  const entry = (await findEntry(context))?.entry
  if (entry === undefined) return missingEntry
  await context.services.engine.unpin({ ids: [entry.id] })
  return seeOther(`/entries/${entry.id}?done=unpinned`)
}

/** The preview: entries that the purge would remove, without those that are stored later. */
export async function purgeManyPage(context: PageContext): Promise<Page> {
  const { query, now, services, token = '' } = context
  const { catalogue } = services.engine
  const choice = { ...readChoice(query), purgeable: now }
  const meant = await catalogue.ids(choice)
  const largest = await catalogue.page({ ...choice, sort: 'size', reverse: false, page: 1 }, 'admin')
  const back = `/resources/successes/${listQueryText({ ...choice, sort: 'used', reverse: false })}`
  const { removed, bytes } = await services.engine.purge({ ids: meant, dryRun: true })
  return {
    title: 'Purge entries',
    current: '/resources/successes/',
    body:
      meant.length === 0
        ? html`<p class="empty">No entry matches.</p>
            <p class="after"><a href="${back}">Back to the list</a></p>`
        : html`<p>
              ${count(removed)} ${removed === 1 ? 'entry' : 'entries'} would be removed, and ${size(bytes)} would be
              freed. ${isChoosing(choice) ? words(choice) : 'No filter is set: these are all entries.'}
            </p>
            <form class="actions" method="post" action="/entries/purge">
              <input type="hidden" name="token" value="${token}" />
              <input type="hidden" name="before" value="${now}" />
              ${choiceFields(choice).map(
                ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
              )}
              <button class="danger">Purge ${count(removed)} ${removed === 1 ? 'entry' : 'entries'}</button>
              <a href="${back}">Keep them</a>
            </form>
            ${plainEntryTable('Entries that would be removed', largest.items, now)}
            ${
              meant.length > largest.items.length &&
              html`<p class="after">and ${count(meant.length - largest.items.length)} more</p>`
            }
            <p class="note after">
              As of ${moment(now)}. Entries that are stored later, and pinned entries, are not removed. A body that
              other entries share is not freed.
            </p>`,
  }
}

export async function purgeMany(context: PageContext, form: URLSearchParams): Promise<Reply> {
  const { engine } = context.services
  // Without the time of the preview nothing was stored before it.
  const purgeable = Number(form.get('before') ?? 0)
  const { removed } = await engine.purge({ ids: await engine.catalogue.ids({ ...readChoice(form), purgeable }) })
  return seeOther(`/resources/successes/?removed=${removed}`)
}

function words({ search, host, state, largerThan }: EntryChoice): Html {
  const parts = [
    search !== '' && html`with <code>${search}</code> in the URL`,
    host !== '' && html`of <bdi>${host}</bdi>`,
    state !== undefined && html`that are ${state}`,
    largerThan !== undefined && html`over ${size(largerThan)}`,
  ].filter((part) => part !== false)
  return html`They are those ${parts.map((part, i) => (i === 0 ? part : html`, ${part}`))}.`
}
