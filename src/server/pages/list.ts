/** Builds every table: columns that render their cells, and a caption for screen readers. Pure. */

import { html, type Html, type Part } from './html.js'

/** A column. The first column of a table is the header of its rows. */
export interface Column<Row> {
  /** On a phone, where the table has no header row, the title is shown beside each cell. */
  readonly title: string
  /** Numbers are aligned to the right. The column of row headers has no kind. */
  readonly kind?: 'number' | 'wide' | 'reason'
  /**
   * On a phone, where rows are compact: the words around the cell, or that the cell is hidden. Default: the title above
   * the cell.
   */
  readonly phone?: { readonly before?: string; readonly after?: string } | 'hidden'
  /** The content of the header cell; the default is the title. */
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
