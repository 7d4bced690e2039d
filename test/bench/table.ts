/** The table of a benchmark: medians of the rounds, and their ratios to the best peer. Pure. */
import { median } from './measure.js'

export interface Row {
  readonly id: string
  readonly what: string
  readonly unit: string
  /** Undefined: it is no contest. */
  readonly better: 'less' | 'more' | undefined
}

export interface Column {
  readonly name: string
  readonly peer: boolean
}

export interface Cell {
  readonly median: number
  /** To the best peer: above 1 is more, whether that is better or worse. */
  readonly ratio?: number
}

export interface Line {
  readonly row: Row
  /** By the name of the column; missing where it was not measured. */
  readonly cells: Readonly<Record<string, Cell>>
}

/** The values of every round, by row and column. */
export type Results = ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>

export function linesOf(rows: readonly Row[], columns: readonly Column[], results: Results): Line[] {
  return rows.flatMap((row) => {
    const measured = results.get(row.id)
    if (measured === undefined) return []
    const medians = new Map([...measured].map(([name, values]) => [name, median(values)]))
    const peers = columns.flatMap(({ name, peer }) => (peer && medians.has(name) ? [medians.get(name)!] : []))
    const best = row.better === 'less' ? Math.min(...peers) : Math.max(...peers)
    const contest = row.better !== undefined && peers.length > 0 && best > 0
    const cells = Object.fromEntries(
      [...medians].map(([name, value]) => [name, { median: value, ...(contest && { ratio: value / best }) }]),
    )
    return [{ row, cells }]
  })
}

/** A Markdown table that is also readable as it is. */
export function textOf(lines: readonly Line[], columns: readonly Column[]): string {
  const used = columns.filter(({ name }) => lines.some(({ cells }) => name in cells))
  const table = [
    ['work', ...used.map(({ name }) => name)],
    ...lines.map(({ row, cells }) => [
      row.unit === '' ? row.what : `${row.what}, ${row.unit}`,
      ...used.map(({ name }) => shown(cells[name])),
    ]),
  ]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)))
  const padded = table.map((line) =>
    line.map((text, column) => (column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!))),
  )
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [padded[0]!, rule, ...padded.slice(1)].map((line) => `| ${line.join(' | ')} |`).join('\n')
}

function shown(cell: Cell | undefined): string {
  if (cell === undefined) return '–'
  const { median: value, ratio } = cell
  return ratio === undefined ? number(value) : `${number(value)} (${ratio.toFixed(2)})`
}

function number(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-GB')
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
