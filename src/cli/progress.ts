/** Progress bars on a terminal's stderr: one line for each download under way, and a total. */

import type { Progress, Wait } from '../engine/types.js'
import { printable } from '../printable.js'
import { progressLine, RateMeter, totalLine } from './progress-line.js'

/** What can be followed: an artifact of the engine, or a download from a server. */
export interface Followable {
  progress(): Progress
}

export interface ProgressRow {
  follow(source: Followable): void
  /** It waits for its first byte; the function tells why. */
  wait(why: () => Wait): void
  /** It is over: the row goes, and `note` stays on the screen, above the rows that go on. */
  end(note?: string): void
}

export interface ProgressView {
  /** Whether anybody sees it: then notes go through {@link ProgressRow.end}, else to stderr. */
  readonly visible: boolean
  /** @param name displayable */
  add(name: string): ProgressRow
  stop(): void
}

/** How often a second the terminal is drawn. */
const FRAMES = 8

/** For pipes and files, where a bar would be noise. */
export const noProgress: ProgressView = {
  visible: false,
  add: () => ({ follow: ignore, wait: ignore, end: ignore }),
  stop: ignore,
}

function ignore(): void {
  // Nobody looks.
}

/** @param total how many downloads there will be */
export async function openProgress(total: number, terminal: NodeJS.WriteStream): Promise<ProgressView> {
  const { MultiBar } = (await import('cli-progress')).default
  const bars = new MultiBar({
    stream: terminal,
    fps: FRAMES,
    hideCursor: true,
    clearOnComplete: true,
    // Without it rows that did not change would not come back below a note.
    forceRedraw: true,
    // run.ts ends the process, and stop() runs before it does.
    gracefulExit: false,
    format: (_options, _params, payload: { line?: () => string }) => payload.line?.() ?? '',
  })
  const rows = new Set<Row>()
  const finished = { count: 0, bytes: 0 }
  const meter = new RateMeter()
  const line = (): string => {
    const received = finished.bytes + sum([...rows].map((row) => row.received))
    meter.add(performance.now(), received)
    const started = finished.count + rows.size === total && [...rows].every((row) => row.length !== undefined)
    const remaining = started ? sum([...rows].map((row) => (row.length ?? 0) - row.received)) : undefined
    return totalLine({ done: finished.count, total, received, rate: meter.rate(), remaining }, columnsOf(terminal))
  }
  let totalBar = total > 1 ? bars.create(1, 0, { line }) : undefined

  const stop = (): void => {
    process.off('exit', stop)
    bars.stop()
  }
  // A second Ctrl-C ends the process at once: the cursor has to come back.
  process.once('exit', stop)

  return {
    visible: true,
    add(name) {
      const row = new Row(name, terminal)
      rows.add(row)
      // The total stays the last line.
      if (totalBar !== undefined) bars.remove(totalBar)
      const bar = bars.create(1, 0, { line: () => row.line(Math.max(...[...rows].map((one) => one.nameLength))) })
      if (totalBar !== undefined) totalBar = bars.create(1, 0, { line })
      return {
        follow: (source) => row.follow(source),
        wait: (why) => row.wait(why),
        end(note) {
          rows.delete(row)
          finished.count++
          finished.bytes += row.received
          if (note !== undefined) bars.log(`${wrapped(printable(note), columnsOf(terminal))}\n`)
          bars.remove(bar)
        },
      }
    },
    stop,
  }
}

class Row {
  readonly #name: string
  readonly #terminal: NodeJS.WriteStream
  readonly #meter = new RateMeter()
  #source: Followable | undefined
  #why: (() => Wait) | undefined

  constructor(name: string, terminal: NodeJS.WriteStream) {
    this.#name = printable(name)
    this.#terminal = terminal
  }

  get nameLength(): number {
    return this.#name.length
  }

  get received(): number {
    return this.#source?.progress().received ?? 0
  }

  get length(): number | undefined {
    return this.#source?.progress().length
  }

  follow(source: Followable): void {
    this.#source = source
  }

  wait(why: () => Wait): void {
    this.#why = why
  }

  line(nameWidth: number): string {
    const received = this.#source === undefined ? undefined : this.received
    if (received !== undefined) this.#meter.add(performance.now(), received)
    const wait = this.#source === undefined ? this.#why?.() : this.#source.progress().wait
    const state = { name: this.#name, received, length: this.length, rate: this.#meter.rate(), wait, nameWidth }
    return progressLine(state, columnsOf(this.#terminal))
  }
}

/** Whole, in lines of the terminal's width: what is longer would be cut beside the bars. */
function wrapped(text: string, columns: number): string {
  const lines: string[] = []
  for (let rest = text; rest !== '';) {
    const blank = rest.lastIndexOf(' ', columns - 1)
    const end = rest.length < columns ? rest.length : blank > columns / 2 ? blank : columns - 1
    lines.push(rest.slice(0, end))
    rest = rest.slice(end).trimStart()
  }
  return lines.join('\n')
}

/** Some pseudo-terminals have none. */
function columnsOf(terminal: NodeJS.WriteStream): number {
  return terminal.columns || 80
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}
