/** The log of a server: pino's lines, or readable ones on a terminal, that no request ever waits for. */

import { isatty } from 'node:tty'
import { Writable } from 'node:stream'
import { pino, type Logger } from 'pino'
import { describeError, type DescribedError } from './describe-error.js'
import { formatSize } from '../units.js'
import { LogSink, logTarget, type LogTarget } from './log-sink.js'
import type { RequestRecord, ServerLog } from './request-log.js'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

export interface LogOptions {
  readonly level?: LogLevel
  /** Default 2, which is stderr. */
  readonly fd?: number
  /** Default: whether `fd` is a terminal. */
  readonly readable?: boolean
  /** Instead of `fd`. */
  readonly target?: LogTarget
}

export interface OpenLog extends ServerLog {
  /** Lines that were dropped because they were not read in time. */
  readonly dropped: number
  setLevel(level: LogLevel): void
  /** Waits at most half a second for the last lines. */
  close(): Promise<void>
}

/** Long enough for a busy reader, short enough for a shutdown. */
const closeTimeout = 500

export async function openLog(options: LogOptions = {}): Promise<OpenLog> {
  const fd = options.fd ?? 2
  const readable = options.readable ?? isatty(fd)
  const notice = (dropped: number): string => droppedLine(dropped, readable)
  const sink = new LogSink({ target: options.target ?? logTarget(fd), notice })
  const destination = readable ? await readableDestination(sink) : sink
  const base = { level: options.level ?? 'info', base: null, timestamp: isoTime() }
  const logger = pino({ ...base, formatters: { level: (label: string) => ({ level: label }) } }, destination)
  return {
    log: (record) => logRequest(logger, record),
    info: (message) => logger.info(message),
    warn: (message) => logger.warn(message),
    error: (message, error) => {
      const described = describeError(error)
      logger.error({ error: described }, `${message}: ${reasonOf(described)}`)
    },
    get dropped() {
      return sink.dropped
    },
    setLevel: (level) => (logger.level = level),
    close: () => sink.close(closeTimeout),
  }
}

/** The first line of an error, without its type: a terminal shows nothing else of it. */
function reasonOf({ stack }: DescribedError): string {
  return (stack.split('\n')[0] ?? '').replace(/^\w*Error(?: \[\w+\])?: /, '')
}

/** The time as part of a line: made once a millisecond, in which there may be many lines. */
function isoTime(): () => string {
  let at = 0
  let text = ''
  return () => {
    const now = Date.now()
    if (now !== at) text = `,"time":"${new Date(now).toISOString()}"`
    at = now
    return text
  }
}

function logRequest(logger: Logger, record: RequestRecord): void {
  const { outcome, status } = record
  const level = outcome === 'failed' || status >= 500 ? 'warn' : 'info'
  logger[level](record, summary(record))
}

/** `GET 200 https://host/Image.gz: hit, 1.4 GiB in 350 ms`, and what went wrong. */
function summary({ method, status, target, path, cache, code, bytes, duration, outcome }: RequestRecord): string {
  const parts = [cache, code, `${formatSize(bytes)} in ${duration} ms`, outcome === 'done' ? undefined : outcome]
  return `${method} ${status} ${target ?? path}: ${parts.filter((part) => part !== undefined).join(', ')}`
}

/** The line that reports dropped lines. */
export function droppedLine(dropped: number, readable: boolean): string {
  const message = `${dropped} log lines were dropped because they were not read in time`
  return readable
    ? `${message}\n`
    : `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), dropped, msg: message })}\n`
}

/** Loaded only for terminals. */
async function readableDestination(sink: LogSink): Promise<Writable> {
  const { default: pretty } = await import('pino-pretty')
  const lines = new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      sink.write(String(line))
      done()
    },
  })
  return pretty({ destination: lines, translateTime: 'SYS:HH:MM:ss', hideObject: true })
}
