/** The forms above the lists: a text search, and filters for the entries. Pure. */

import { formatSize } from '../../units.js'
import type { HostFigures } from '../../engine/catalogue.js'
import type { PageQuery } from '../../engine/types.js'
import { type EntryChoice, states } from '../../store/listing.js'
import { isChoosing } from './entry-list.js'
import { count } from './format.js'
import { html, type Html } from './html.js'

/** Number of hosts in the menu; the text search finds the others. */
const HOSTS_OFFERED = 200
const sizes = [1, 10, 100, 1024, 10 * 1024].map((MiB) => MiB * 1024 ** 2)

export function searchForm(action: string, search: string): Html {
  return html`<form class="search" role="search" action="${action}">
    ${searchField(search)} <button>Search</button> ${search !== '' && html`<a href="${action}">Show all</a>`}
  </form>`
}

function searchField(search: string): Html {
  return html`<label for="q">Search</label>
    <input id="q" name="q" type="search" value="${search}" placeholder="part of a URL" autocomplete="off" />`
}

export function filterForm(
  action: string,
  query: PageQuery,
  hosts: readonly HostFigures[],
  role: 'anyone' | 'admin',
): Html {
  const { search, host, state, largerThan, sort, reverse } = query
  return html`<form class="search" role="search" action="${action}">
    ${searchField(search)} ${select('host', 'Host', host, [['', 'all hosts'], ...hostOptions(hosts, host)])}
    ${select('state', 'State', state ?? '', [
      ['', 'any state'],
      ...states.filter((name) => name !== 'private' || role === 'admin').map((name) => [name, name] as const),
    ])}
    ${select('larger-than', 'Larger than', largerThan === undefined ? '' : String(largerThan), [
      ['', 'any size'],
      ...sizeOptions(largerThan),
    ])}
    ${sort !== 'used' && html`<input type="hidden" name="sort" value="${sort}" />`}
    ${reverse && html`<input type="hidden" name="order" value="reverse" />`}
    <button>Search</button>
    ${isChoosing(query) && html`<a href="${action}">Show all</a>`}
  </form>`
}

type Option = readonly [value: string, name: string]

function select(name: string, label: string, chosen: string, options: readonly Option[]): Html {
  return html`<label class="unseen" for="by-${name}">${label}</label>
    <select id="by-${name}" name="${name}">
      ${options.map(
        ([value, text]) => html`<option value="${value}" ${value === chosen && html`selected`}>${text}</option>`,
      )}
    </select>`
}

function hostOptions(hosts: readonly HostFigures[], chosen: string): Option[] {
  const offered = hosts
    .slice(0, HOSTS_OFFERED)
    .map(({ host, entries }): Option => [host, `${host} (${count(entries)})`])
  return chosen === '' || offered.some(([host]) => host === chosen) ? offered : [...offered, [chosen, chosen]]
}

function sizeOptions(chosen: EntryChoice['largerThan']): Option[] {
  const all = chosen === undefined || sizes.includes(chosen) ? sizes : [...sizes, chosen].sort((a, b) => a - b)
  return all.map((bytes) => [String(bytes), `over ${formatSize(bytes)}`])
}
