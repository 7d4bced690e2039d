/** The display of downloads: bars on a terminal, lines in a log, or errors only. */

import { describeNext, type Progress, type Wait } from '../engine/types.js'
import { printable } from '../printable.js'
import { formatSize } from '../units.js'
import { progressLine, RateMeter, totalLine } from './progress-line.js'
import { writeLines } from './terminal.js'

/** The source of progress: an artifact of the engine, or a download from a server. */
export interface Followable {
  progress(): Progress
}

/** The end of a download; a cancelled download shows nothing. */
export interface Ended {
  /** One line, whole. */
  readonly failure?: string | undefined
  /** `miss, 12.3 MiB in 3s` */
  readonly summary?: string | undefined
}

export interface ProgressRow {
  follow(source: Followable): void
  /** It waits for its first byte; the function gives the reason. */
  wait(why: () => Wait): void
  /** Removes the row; a failure stays on the screen above the other rows. */
  end(ended?: Ended): void
}

export interface ProgressView {
  /** Bars are drawn: other lines must be written with {@link note}. */
  readonly visible: boolean
  /** @param name displayable @param url displayable */
  add(name: string, url?: string): ProgressRow
  /** Whole lines on standard error, above the bars where there are any. */
  note(lines: string): void
  stop(): void
}

/** Redraws of the terminal per second. */
const FRAMES = 8
/** Milliseconds between two lines about a waiting download. */
const REMIND = 30_000
/** Milliseconds between two looks for the first reason of a wait. */
const LOOK = 500

/** A download without a progress bar. */
export const silentRow: ProgressRow = { follow: ignore, wait: ignore, end: ignore }

/** Errors alone. */
export const noProgress: ProgressView = {
  visible: false,
  add: () => ({ ...silentRow, end: noteFailure }),
  note,
  stop: ignore,
}

/**
 * For logs of CI jobs: a line at the start and at the end of each download, one when an attempt has failed or the download is
 * queued for the first time, and one every 30 s while it waits. A request that is refused before the event loop turns, such as
 * one for a URL of an unknown scheme, has no start.
 * @param remind milliseconds between two lines about a download that waits
 */
export function progressLines(write: (line: string) => void = note, remind = REMIND, look = LOOK): ProgressView {
  return {
    visible: false,
    add(name, url = name) {
      const state = new Following(url)
      const start = setImmediate(() => write(`${name}: fetching ${url}`))
      const say = (): void => {
        const waits = state.waits()
        if (waits !== undefined) write(`${name}: ${waits}`)
      }
      let reminder = setInterval(say, remind)
      const first = setInterval(() => {
        if (state.reason === undefined) return
        clearInterval(first)
        clearInterval(reminder)
        reminder = setInterval(say, remind)
        say()
      }, look)
      return {
        follow: (source) => state.follow(source),
        wait: (why) => state.wait(why),
        end({ failure, summary } = {}) {
          clearInterval(reminder)
          clearInterval(first)
          clearImmediate(start)
          if (failure !== undefined) write(failure)
          else if (summary !== undefined) write(`${name}: ${summary}`)
        },
      }
    },
    note: write,
    stop: ignore,
  }
}

function note(lines: string): void {
  writeLines('stderr', lines)
}

function noteFailure({ failure }: Ended = {}): void {
  if (failure !== undefined) note(failure)
}

function ignore(): void {
  // Nothing is shown.
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
  /** Characters of the longest name so far: the lines stay where they are when its download ends. */
  let widest = 0
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

  const say = (lines: string): void => {
    for (const text of lines.split('\n')) bars.log(`${wrapped(printable(text), columnsOf(terminal))}\n`)
  }
  const stop = (): void => {
    process.off('exit', stop)
    bars.stop()
  }
  // A second Ctrl-C ends the process at once: the cursor has to come back.
  process.once('exit', stop)

  return {
    visible: true,
    add(name, url = '') {
      const row = new Row(name, url, terminal)
      rows.add(row)
      // The total stays the last line.
      if (totalBar !== undefined) bars.remove(totalBar)
      widest = Math.max(widest, row.nameLength)
      const bar = bars.create(1, 0, { line: () => row.line(widest) })
      if (totalBar !== undefined) totalBar = bars.create(1, 0, { line })
      return {
        follow: (source) => row.follow(source),
        wait: (why) => row.wait(why),
        end({ failure } = {}) {
          rows.delete(row)
          finished.count++
          finished.bytes += row.received
          if (failure !== undefined) say(failure)
          bars.remove(bar)
        },
      }
    },
    note: say,
    stop,
  }
}

/** A download with the reason of its wait. */
class Following {
  readonly #host: string
  #source: Followable | undefined
  #why: (() => Wait) | undefined

  constructor(url: string) {
    this.#host = URL.canParse(url) ? new URL(url).host : 'the origin'
  }

  follow(source: Followable): void {
    this.#source = source
  }

  wait(why: () => Wait): void {
    this.#why = why
  }

  /** undefined until there is an answer. */
  get progress(): Progress | undefined {
    return this.#source?.progress()
  }

  /** The reason of its wait; undefined while bytes arrive, or if it is unknown. */
  get reason(): string | undefined {
    const wait = this.#source === undefined ? this.#why?.() : this.#source.progress().wait
    return wait && describeNext(wait, this.#host, Date.now())
  }

  /** The text of a single line: the progress and the reason of the wait; undefined while bytes arrive. */
  waits(): string | undefined {
    const { progress, reason } = this
    if (progress === undefined) return `waiting: ${reason ?? 'the origin has not answered yet'}`
    return reason && `${formatSize(progress.received)}, waiting: ${reason}`
  }
}

class Row extends Following {
  readonly #name: string
  readonly #terminal: NodeJS.WriteStream
  readonly #meter = new RateMeter()

  constructor(name: string, url: string, terminal: NodeJS.WriteStream) {
    super(url)
    this.#name = printable(name)
    this.#terminal = terminal
  }

  get nameLength(): number {
    return this.#name.length
  }

  get received(): number {
    return this.progress?.received ?? 0
  }

  get length(): number | undefined {
    return this.progress?.length
  }

  line(nameWidth: number): string {
    const received = this.progress?.received
    if (received !== undefined) this.#meter.add(performance.now(), received)
    const { length, reason } = this
    const state = { name: this.#name, received, length, rate: this.#meter.rate(), wait: reason, nameWidth }
    return progressLine(state, columnsOf(this.#terminal))
  }
}

/** Breaks a text into lines of the terminal's width: a longer line would be cut beside the bars. */
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
