/** Text tables: columns are as wide as their cells, the last one as wide as the terminal allows. Pure. */

import { printable } from '../printable.js'

export interface Column<Row> {
  readonly title: string
  readonly align?: 'left' | 'right'
  cell(row: Row): string
}

/** The minimum width of the last column. */
const NARROWEST = 16

/** @param columns of the terminal; undefined: nothing is cut */
export function tableLines<Row>(layout: readonly Column<Row>[], rows: readonly Row[], columns?: number): string[] {
  const cells = [
    layout.map(({ title }) => title),
    ...rows.map((row) => layout.map((column) => printable(column.cell(row)))),
  ]
  const widths = layout.map((_, index) => cells.reduce((most, line) => Math.max(most, line[index]?.length ?? 0), 0))
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0)
  const room = columns === undefined ? Infinity : Math.max(NARROWEST, columns - before)
  return cells.map((line) =>
    line
      .map((cell, index) => {
        if (index === layout.length - 1) return shortened(cell, room)
        const width = widths[index] ?? 0
        return layout[index]?.align === 'right' ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
}

/** Shortens in the middle, because the ends of a URL are the most useful parts. */
export function shortened(text: string, width: number): string {
  if (text.length <= width) return text
  const tail = Math.ceil((width - 1) * 0.6)
  return `${text.slice(0, width - 1 - tail)}…${text.slice(text.length - tail)}`
}
