/** Updates the charts of a page: their data, size, colours, and the cursor by the arrow keys. */

import type UPlot from 'uplot'
import { show } from './morph.js'
import { columnsOf, makePlot, newestOf, type Past, type PlotName, pointAt, resize } from './plot.js'
import { momentText, rateText, shareText } from './text.js'

/** Milliseconds between two requests for the data: current enough for a wall display, few enough lines in the log. */
const INTERVAL = 30_000

interface Plot {
  readonly name: PlotName
  readonly place: HTMLElement
  chart: UPlot | undefined
}

export function drawCharts(): void {
  for (const figure of document.querySelectorAll<HTMLElement>('[data-chart]')) {
    const frame = figure.querySelector<HTMLElement>('.plots')
    const words = figure.querySelector('figcaption')
    if (frame !== null && words !== null) keepDrawn(figure, frame, words)
  }
}

function keepDrawn(figure: HTMLElement, frame: HTMLElement, words: Element): void {
  const plots: Plot[] = [...frame.querySelectorAll<HTMLElement>('[data-plot]')].map((place) => ({
    name: place.dataset['plot'] === 'served' ? 'served' : 'downloaded',
    place,
    chart: undefined,
  }))
  let past: Past | undefined
  const draw = (anew: boolean): void => {
    for (const plot of plots) {
      if (past === undefined) return
      const known = past
      const { name, place, chart } = plot
      if (chart !== undefined && !anew) chart.setData(columnsOf(name, past))
      else {
        chart?.destroy()
        plot.chart = makePlot(name, place, () => past ?? known)
      }
    }
  }
  const look = async (): Promise<void> => {
    // A page in the background is not updated. If the server does not answer, the request is repeated later.
    const answer = document.hidden ? undefined : await fetch(figure.dataset['chart'] ?? '').catch(() => undefined)
    if (answer?.ok !== true) return
    past = (await answer.json()) as Past
    show(words, past.words)
    if (past.served.every((bytes) => bytes === null)) return
    frame.hidden = false
    draw(false)
  }
  new ResizeObserver(() => {
    for (const { name, place, chart } of plots) if (chart !== undefined) resize(name, chart, place)
  }).observe(frame)
  // The colours are part of the drawing, so a change of the colour scheme needs a new drawing.
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => draw(true))
  document.addEventListener('visibilitychange', () => void look())
  offerKeys(figure, frame, plots, () => past)
  setInterval(() => void look(), INTERVAL)
  void look()
}

/** Number of points that one key press moves the cursor. */
const moves: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  PageUp: -10,
  PageDown: 10,
  Home: -Infinity,
  End: Infinity,
}

function offerKeys(
  figure: HTMLElement,
  frame: HTMLElement,
  plots: readonly Plot[],
  past: () => Past | undefined,
): void {
  const said = figure.querySelector('[data-said]')
  frame.addEventListener('keydown', (event) => {
    const move = moves[event.key]
    const chart = plots[0]?.chart
    const now = past()
    if (move === undefined || chart === undefined || now === undefined) return
    event.preventDefault()
    const last = now.times.length - 1
    const newest = newestOf(now.served)
    const index = Math.min(last, Math.max(0, (chart.cursor.idx ?? newest) + move))
    for (const plot of plots) if (plot.chart !== undefined) pointAt(plot.chart, index)
    if (said !== null) {
      said.textContent =
        `${momentText(now.times[index], now.step)}: served ${rateText(now.served[index])}, ` +
        `downloaded ${rateText(now.downloaded[index])}, hit ratio ${shareText(now.hitRatio[index])}`
    }
  })
}
