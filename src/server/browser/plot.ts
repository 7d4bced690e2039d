/** The two drawings of a chart: bytes served by source, and bytes downloaded on a separate scale. */

import type UPlot from 'uplot'
import { byteSplits, momentText, rateText, shareText, timeText } from './text.js'

/** From uPlot.js, which the page loads first. */
declare const uPlot: typeof UPlot

/** The data of a time span from the server: columns of the same length, in bytes a second; null is unknown. */
export interface Past {
  /** Seconds since the epoch. */
  readonly times: number[]
  /** Seconds between two points. */
  readonly step: number
  readonly downloaded: (number | null)[]
  readonly served: (number | null)[]
  readonly fromStore: (number | null)[]
  readonly joined: (number | null)[]
  readonly fromOrigin: (number | null)[]
  /** null also for a time without requests. */
  readonly hitRatio: (number | null)[]
  /** HTML: the same data in words and as a table. The server made and escaped it. */
  readonly words: string
}

export type PlotName = 'served' | 'downloaded'

/** Height in pixels, without the legend below. */
const heights: Readonly<Record<PlotName, number>> = { served: 180, downloaded: 110 }

/** Stacks the series: each line is the sum of those below it. */
function stacked(...columns: (number | null)[][]): (number | null)[][] {
  const sums: (number | null)[][] = []
  for (const column of columns) {
    const below = sums.at(-1)
    sums.push(column.map((value, i) => (value === null ? null : value + (below?.[i] ?? 0))))
  }
  return sums
}

export function columnsOf(name: PlotName, past: Past): UPlot.AlignedData {
  if (name === 'downloaded') return [past.times, past.downloaded]
  const [store = [], joined = [], origin = []] = stacked(past.fromStore, past.joined, past.fromOrigin)
  return [past.times, origin, joined, store, past.hitRatio]
}

/** Points between two gaps, because a line alone would not show them. */
const alone: UPlot.Series.Points.Filter = (chart, series) => {
  const values = chart.data[series] as readonly (number | null | undefined)[]
  const isKnown = (i: number): boolean => typeof values[i] === 'number'
  return [...values.keys()].filter((i) => isKnown(i) && !isKnown(i - 1) && !isKnown(i + 1))
}

/** @param past the newest data; the legend reads it when the cursor moves */
export function makePlot(name: PlotName, place: HTMLElement, past: () => Past): UPlot {
  const style = getComputedStyle(document.documentElement)
  const colour = (variable: string): string => style.getPropertyValue(`--${variable}`).trim()
  const font = `12px ${getComputedStyle(document.body).fontFamily}`
  const axis = { stroke: colour('muted'), font, grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } }
  const valueAt =
    (text: (value: number | null | undefined) => string, column: (of: Past) => readonly (number | null)[]) =>
    (_: UPlot, __: number, ___: number, index: number | null): string =>
      index === null ? '' : text(column(past())[index])
  const area = (label: string, variable: string, column: (of: Past) => readonly (number | null)[]): UPlot.Series => ({
    label,
    stroke: colour(variable),
    fill: `${colour(variable)}55`,
    width: 1.25,
    points: { show: true, size: 5, filter: alone },
    value: valueAt(rateText, column),
  })
  const shares: UPlot.Axis = {
    ...axis,
    scale: 'share',
    size: 52,
    grid: { show: false },
    splits: [0, 0.25, 0.5, 0.75, 1],
    values: (_, splits) => splits.map((share) => `${Math.round(share * 100)} %`),
  }
  // uPlot declares the sides as a const enum, which a module cannot import: 1 is the right side.
  const right: UPlot.Axis = Object.assign(shares, { side: 1 })
  const isServed = name === 'served'
  const chart = new uPlot(
    {
      width: place.clientWidth,
      height: heights[name],
      padding: [8, isServed ? 0 : 52, 0, 0],
      cursor: { y: false, sync: { key: place.closest<HTMLElement>('[data-chart]')?.dataset['chart'] ?? '' } },
      legend: { markers: { width: 2 } },
      scales: {
        y: { range: (_, __, max) => [0, byteSplits(max).at(-1) ?? 1] },
        share: { range: [0, 1] },
      },
      axes: [
        { ...axis, size: 28, values: (_, splits, ___, ____, step) => splits.map((at) => timeText(at, step)) },
        {
          ...axis,
          size: 76,
          splits: (_, __, ___, max) => byteSplits(max),
          values: (_, splits) => splits.map(rateText),
        },
        ...(isServed ? [right] : []),
      ],
      series: [
        {
          label: 'Time',
          value: (_, __, ___, index) => (index === null ? '' : momentText(past().times[index], past().step)),
        },
        ...(isServed
          ? [
              area('New download', 'downloaded', ({ fromOrigin }) => fromOrigin),
              area('Joined a download', 'joined', ({ joined }) => joined),
              area('From the store', 'served', ({ fromStore }) => fromStore),
              {
                label: 'Hit ratio',
                scale: 'share',
                stroke: colour('muted'),
                dash: [3, 3],
                width: 1,
                points: { show: true, size: 4, filter: alone },
                value: valueAt(shareText, ({ hitRatio }) => hitRatio),
              },
            ]
          : [area('Downloaded', 'downloaded', ({ downloaded }) => downloaded)]),
      ],
      // The area between two lines belongs to the upper one.
      bands: isServed ? [{ series: [1, 2] }, { series: [2, 3] }] : [],
      hooks: { setCursor: [(moved) => moved.cursor.idx ?? showNewest(moved)] },
    },
    columnsOf(name, past()),
    place,
  )
  showNewest(chart)
  return chart
}

/** Without a pointer on the chart, the legend shows the newest known point. */
function showNewest(chart: UPlot): void {
  const idx = newestOf([...(chart.data[1] as readonly (number | null | undefined)[])])
  if (idx >= 0) chart.setLegend({ idx }, false)
}

/** The last index with a known value; -1 if there is none. */
export function newestOf(values: readonly (number | null | undefined)[]): number {
  let index = values.length - 1
  while (index >= 0 && typeof values[index] !== 'number') index--
  return index
}

export function resize(name: PlotName, chart: UPlot, place: HTMLElement): void {
  chart.setSize({ width: place.clientWidth, height: heights[name] })
}

/** Moves the cursor of all drawings of a figure to a time. */
export function pointAt(chart: UPlot, index: number): void {
  const left = chart.valToPos(chart.data[0][index] ?? 0, 'x')
  chart.setCursor({ left, top: 10 })
}
