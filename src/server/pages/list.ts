/** Every table of the pages: columns that know their cells, and a caption for those who do not see where it stands. Pure. */

import { html, type Html, type Part } from './html.js'

/** The first of a table names its rows. */
export interface Column<Row> {
  /** Beside each cell on a phone, where nothing stands above it. */
  readonly title: string
  /** Numbers stand at the right; the name of a row is of no kind. */
  readonly kind?: 'number' | 'wide' | 'reason'
  /** On a phone, where rows are compact: words around the cell, or that it is not shown. Default: the title above it. */
  readonly phone?: { readonly before?: string; readonly after?: string } | 'hidden'
  /** Instead of one that only says the title. */
  readonly heading?: Html
  readonly cell: (row: Row) => Part
}

export function listTable<Row>(caption: string, columns: readonly Column<Row>[], rows: readonly Row[]): Html {
  const compact = columns.some(({ phone }) => phone !== undefined)
  return html`<table class="list${compact ? ' compact' : ''}">
    <caption class="unseen">
      ${caption}
    </caption>
    <thead>
      <tr>
        ${columns.map(({ title, kind, heading }) => heading ?? html`<th scope="col" class="${kind}">${title}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            ${columns.map((column, index) => cellOf(column, index, row))}
          </tr>`,
      )}
    </tbody>
  </table>`
}

function cellOf<Row>({ title, kind, phone, cell }: Column<Row>, index: number, row: Row): Html {
  if (index === 0) return html`<th scope="row">${cell(row)}</th>`
  if (phone === undefined) return html`<td data-label="${title}" class="${kind}">${cell(row)}</td>`
  const { before = '', after = '' } = phone === 'hidden' ? {} : phone
  const word = (text: string): Html | false => text !== '' && html`<span class="phone">${text}</span>`
  return html`<td data-label="${title}" class="${kind}${phone === 'hidden' ? ' desk' : ''}">
    ${word(before)}${cell(row)}${word(after)}
  </td>`
}
