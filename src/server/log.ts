/** The log of a server: pino's lines, or readable ones on a terminal, that no request ever waits for. */

import { isatty } from 'node:tty'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { KissError } from '../errors.js'
import { formatSize } from '../units.js'
import { displayUrl } from '../http/urls.js'
import { LogSink, logTarget, type LogTarget } from './log-sink.js'
import type { OwnFields, RequestRecord, ServerLog } from './request-log.js'

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
  /** Lines that were dropped because they could not be written in time. */
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
  const timestamp = isoTime()
  const base = { level: options.level ?? 'info', base: null, timestamp }
  const logger = pino({ ...base, formatters: { level: (label: string) => ({ level: label }) } }, destination)
  const logEqual = (record: RequestRecord): ((own: OwnFields) => void) => {
    const level = levelOf(record)
    const lineOf = requestLine(level, record)
    return (own) => {
      if (logger.isLevelEnabled(level)) destination.write(lineOf(timestamp(), own))
    }
  }
  return {
    log(record) {
      if (logger.isLevelEnabled(levelOf(record))) logEqual(record)(record)
    },
    logEqual,
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

function levelOf({ outcome, status }: RequestRecord): 'info' | 'warn' {
  return outcome === 'failed' || status >= 500 ? 'warn' : 'info'
}

/**
 * The lines of equal requests, in the form of pino's. Of 51 µs that a small hit took, 7 went into a line that was made of the
 * whole record.
 */
function requestLine(level: 'info' | 'warn', record: RequestRecord): (time: string, own: OwnFields) => string {
  const { method, path, target, cache, as, code, status, bytes, outcome } = record
  const common = JSON.stringify({ method, path, target, cache, as, code, status, bytes }).slice(1, -1)
  // `GET 200 https://host/Image.gz: hit, 1.4 GiB in 350 ms`, and the failure.
  const details = [cache, code, formatSize(bytes)].filter((detail) => detail !== undefined)
  const message = JSON.stringify(`${method} ${status} ${target ?? path}: ${details.join(', ')}`).slice(0, -1)
  const end = `ms${outcome === 'done' ? '' : `, ${outcome}`}"}\n`
  return (time, { id, firstByte, duration, client }) => {
    const from = client === undefined ? '' : `,"client":${JSON.stringify(client)}`
    const begin = `{"level":"${level}"${time},"id":"${id}",${common},"firstByte":${firstByte},"duration":${duration}`
    return `${begin}${from},"outcome":"${outcome}","msg":${message} in ${duration} ${end}`
  }
}

/** The line that reports dropped lines. */
export function droppedLine(dropped: number, readable: boolean): string {
  const message = `${dropped} log lines were dropped because they could not be written in time`
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

/** An unexpected error for the log: its stack and causes, with every URL in its displayable form. */
interface DescribedError {
  readonly type: string
  readonly code?: string
  readonly stack: string
  readonly cause?: DescribedError
}

/** A chain of causes longer than this says nothing more. */
const deepest = 5

/** Reads these properties of the error only: others may contain secrets (`input` of a bad URL). */
export function describeError(error: unknown, depth = deepest): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, stack: hideSecrets(String(error)) }
  const { code } = error as NodeJS.ErrnoException
  const line = `${error.name}: ${error.message}`
  return {
    type: error.name,
    ...(typeof code === 'string' && { code }),
    stack: hideSecrets(isMistake(error) ? line : (error.stack ?? line)),
    ...(error.cause !== undefined && depth > 0 && { cause: describeError(error.cause, depth - 1) }),
  }
}

/** A mistake of the administrator: its message says all, and its stack nothing. */
function isMistake(error: Error): boolean {
  return error instanceof KissError && (error.code === 'configuration' || error.code === 'usage')
}

/** Userinfo, query and fragment of each URL in a text. */
function hideSecrets(text: string): string {
  return text.replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'`<>()]+/gi, (url) =>
    // The locations of a stack are not secret: file:///path.js:12:3
    url.startsWith('file:') ? url : displayUrl(url),
  )
}
