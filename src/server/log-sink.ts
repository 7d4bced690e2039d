/** A bounded queue of lines to a file descriptor. No caller waits for it; dropped lines are counted. */

import { fstatSync, write } from 'node:fs'
import { Socket } from 'node:net'
import { systemCode } from '../errors.js'

/** Writes one batch, and calls back when it no longer needs its buffer, which is reused. */
export interface LogTarget {
  write(batch: Buffer, done: (error?: Error | null) => void): void
  close(): void
}

/**
 * Milliseconds after a write in which lines gather for the next. Of the time of small hits on a busy machine, a write for
 * each turn of the event loop took 6 %, one in 10 ms 5 %.
 */
const GATHER = 50

/**
 * A pipe or a socket is written by the event loop when it has room, so a reader that stalls costs nothing. Files and
 * terminals are written in the thread pool, one write at a time.
 */
export function logTarget(fd: number): LogTarget {
  const stat = fstatSync(fd)
  if (stat.isFIFO() || stat.isSocket()) {
    const socket = new Socket({ fd, readable: false, writable: true })
    // Each write gets the error of a broken pipe by its own callback.
    socket.on('error', () => undefined)
    socket.unref()
    return { write: (batch, done) => void socket.write(batch, gathering(done)), close: () => socket.destroy() }
  }
  const writeAll = (batch: Buffer, done: (error?: Error | null) => void): void => {
    write(fd, batch, (error, bytes) => {
      if (error === null && bytes < batch.length) writeAll(batch.subarray(bytes), done)
      else done(error)
    })
  }
  return { write: (batch, done) => writeAll(batch, gathering(done)), close: () => undefined }
}

type Done = Parameters<LogTarget['write']>[1]

function gathering(done: Done): Done {
  return (error) => void setTimeout(done, GATHER, error)
}

export interface LogSinkOptions {
  readonly target: LogTarget
  /** Bytes that may wait; 1 MiB are some 4,000 requests. */
  readonly limit?: number
  /** Builds the line with the number of dropped lines. */
  readonly notice: (dropped: number) => string
}

/** Bytes for the notice of dropped lines, beside the limit. */
const NOTICE = 256

/** Lines as bytes: a string that waits is copied by each collection of garbage, which took 5 µs a line. */
interface Batch {
  readonly buffer: Buffer
  bytes: number
  lines: number
}

export class LogSink {
  readonly #target: LogTarget
  readonly #limit: number
  readonly #notice: (dropped: number) => string
  #waiting: Batch
  /** Is being written, or empty. */
  #written: Batch
  #writing = false
  #broken = false
  #unreported = 0
  #dropped = 0
  readonly #idle: (() => void)[] = []

  constructor({ target, limit = 1024 * 1024, notice }: LogSinkOptions) {
    this.#target = target
    this.#limit = limit
    this.#notice = notice
    // The system gives memory to the pages of a buffer that are written to.
    const empty = (): Batch => ({ buffer: Buffer.allocUnsafeSlow(limit + NOTICE), bytes: 0, lines: 0 })
    this.#waiting = empty()
    this.#written = empty()
  }

  /** Lines that were dropped. */
  get dropped(): number {
    return this.#dropped
  }

  /** Takes one line, with its end; never waits, never throws. */
  write(line: string): void {
    // A line that is being written takes memory, so it counts until it is written.
    const room = this.#limit - this.#waiting.bytes - this.#written.bytes
    // A UTF-16 code unit takes at most three bytes.
    if (this.#broken || (line.length * 3 > room && Buffer.byteLength(line) > room)) {
      this.#dropped++
      this.#unreported++
      return
    }
    this.#take(line)
    if (!this.#writing) this.#flush()
  }

  /** Resolves when everything has been written, or after `timeout` milliseconds; nothing is written after that. */
  async close(timeout: number): Promise<void> {
    if (this.#writing) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeout)))
      await Promise.race([new Promise<void>((resolve) => this.#idle.push(resolve)), late])
      clearTimeout(timer)
    }
    this.#broken = true
    this.#target.close()
  }

  #take(line: string): void {
    this.#append(line)
    this.#waiting.lines++
  }

  #append(text: string): void {
    const batch = this.#waiting
    batch.bytes += batch.buffer.write(text, batch.bytes)
  }

  #flush(): void {
    const reported = this.#broken ? 0 : this.#unreported
    if (reported > 0) this.#append(this.#notice(reported))
    const batch = this.#waiting
    if (this.#broken || batch.bytes === 0) {
      this.#drop(batch)
      return this.#rest()
    }
    this.#writing = true
    this.#waiting = this.#written
    this.#written = batch
    this.#target.write(batch.buffer.subarray(0, batch.bytes), (error) => {
      if (error) this.#drop(batch)
      else this.#unreported -= reported
      batch.bytes = batch.lines = 0
      if (error && isFullDisk(error)) return this.#pause()
      this.#broken ||= Boolean(error)
      this.#flush()
    })
  }

  /** The next line tries again. The file may end within a line. */
  #pause(): void {
    this.#drop(this.#waiting)
    this.#append('\n')
    this.#rest()
  }

  #drop(batch: Batch): void {
    this.#dropped += batch.lines
    this.#unreported += batch.lines
    batch.bytes = batch.lines = 0
  }

  #rest(): void {
    this.#writing = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/** A full disk may have room again; the reader of a pipe does not come back. */
function isFullDisk(error: Error): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '')
}
