/** Draws the charts: bytes downloaded and served in each interval, and the hit ratio beside them. */

import type UPlot from 'uplot'
import { show } from './morph.js'

/** From uPlot.js, which the page loads before. */
declare const uPlot: typeof UPlot

interface Past {
  /** Seconds since the epoch. */
  readonly times: number[]
  readonly downloaded: (number | null)[]
  readonly served: (number | null)[]
  readonly hitRatio: (number | null)[]
  /** HTML: the same in words and as a table; made and escaped by the server. */
  readonly words: string
}

/** Pixels, without the legend below, which takes one row or two. */
const HEIGHT = 212
/** Milliseconds between two looks at the past: soon enough for a wall, seldom enough for a log. */
const INTERVAL = 30_000

export function drawCharts(): void {
  for (const figure of document.querySelectorAll<HTMLElement>('[data-chart]')) {
    const place = figure.querySelector<HTMLElement>('.plot')
    const words = figure.querySelector('figcaption')
    if (place !== null && words !== null) keepDrawn(figure.dataset['chart'] ?? '', place, words)
  }
}

function keepDrawn(address: string, place: HTMLElement, words: Element): void {
  let past: Past | undefined
  let chart: UPlot | undefined
  const look = async (): Promise<void> => {
    // Nobody sees a page in the background; a server that does not answer is asked again.
    const answer = document.hidden ? undefined : await fetch(address).catch(() => undefined)
    if (answer?.ok !== true) return
    past = (await answer.json()) as Past
    show(words, past.words)
    if (past.served.every((bytes) => bytes === null)) return
    if (chart === undefined) {
      place.hidden = false
      chart = make(place, past)
    } else chart.setData(columnsOf(past))
  }
  new ResizeObserver(() => chart?.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place)
  // Colours are drawn, not styled: another scheme needs another drawing.
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    if (chart === undefined || past === undefined) return
    chart.destroy()
    chart = make(place, past)
  })
  document.addEventListener('visibilitychange', () => void look())
  setInterval(() => void look(), INTERVAL)
  void look()
}

/** A line needs two points; one alone would not be seen. */
function isSparse(chart: UPlot, series: number): boolean {
  return (chart.data[series] ?? []).filter((value) => typeof value === 'number').length < 3
}

function columnsOf({ times, served, downloaded, hitRatio }: Past): UPlot.AlignedData {
  return [times, served, downloaded, hitRatio]
}

function make(place: HTMLElement, past: Past): UPlot {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim()
  const font = `12px ${getComputedStyle(document.body).fontFamily}`
  const axis = { stroke: colour('muted'), font, grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } }
  const shares: UPlot.Axis = {
    ...axis,
    scale: 'share',
    size: 52,
    grid: { show: false },
    splits: [0, 0.25, 0.5, 0.75, 1],
    values: (_, splits) => splits.map((share) => `${Math.round(share * 100)} %`),
  }
  // uPlot declares its sides as a constant enumeration, which no module can import: 1 is the right one.
  const right: UPlot.Axis = Object.assign(shares, { side: 1 })
  const interval = (past.times[1] ?? 1) - (past.times[0] ?? 0)
  const points = { show: isSparse, size: 5 }
  return new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      cursor: { y: false },
      scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.05)] }, share: { range: [0, 1] } },
      axes: [
        { ...axis, size: 28, values: (_, splits, ___, ____, step) => splits.map((at) => timeText(at, step)) },
        {
          ...axis,
          size: 72,
          splits: (_, __, ___, max) => byteSplits(max),
          values: (_, splits) => splits.map(sizeText),
        },
        right,
      ],
      series: [
        { value: (_, at) => momentText(at, interval) },
        {
          label: 'Served',
          stroke: colour('served'),
          fill: `${colour('served')}22`,
          width: 1.5,
          points,
          value: (_, bytes) => sizeText(bytes),
        },
        {
          label: 'Downloaded',
          stroke: colour('downloaded'),
          fill: `${colour('downloaded')}22`,
          width: 1.5,
          points,
          value: (_, bytes) => sizeText(bytes),
        },
        {
          label: 'Hit ratio',
          scale: 'share',
          stroke: colour('muted'),
          dash: [3, 3],
          width: 1,
          spanGaps: true,
          points,
          value: (_, share) => (typeof share === 'number' ? `${(share * 100).toFixed(1)} %` : '–'),
        },
      ],
    },
    columnsOf(past),
    place,
  )
}

/** uPlot types what is not there as a number. */
function sizeText(bytes: number | null): string {
  if (bytes === null) return '–'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${value >= 100 || power === 0 ? value.toFixed(0) : Number(value.toFixed(1))} ${units[power] ?? ''}`
}

/** Steps that are round in binary units: four lines at most. */
function byteSplits(max: number): number[] {
  let step = 2 ** Math.ceil(Math.log2(Math.max(1, max) / 4))
  const decade = 1024 ** Math.floor(Math.log2(Math.max(1, step)) / 10)
  const nice = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1024].find((n) => n * decade * 4 >= max)
  if (nice !== undefined) step = nice * decade
  return Array.from({ length: Math.floor(max / step) + 1 }, (_, i) => i * step)
}

const two = (n: number): string => String(n).padStart(2, '0')

function timeText(at: number, step: number): string {
  const date = new Date(at * 1000)
  return step >= 86_400
    ? `${two(date.getMonth() + 1)}-${two(date.getDate())}`
    : `${two(date.getHours())}:${two(date.getMinutes())}`
}

function momentText(at: number | null, interval: number): string {
  if (at === null) return '–'
  const date = new Date(at * 1000)
  const day = interval > 3_600 ? `${two(date.getMonth() + 1)}-${two(date.getDate())} ` : ''
  const seconds = interval < 60 ? `:${two(date.getSeconds())}` : ''
  return `${day}${two(date.getHours())}:${two(date.getMinutes())}${seconds}`
}
