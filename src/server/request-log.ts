/** What is said of each request, and to whom. */

import type { ServedAs } from '../store/types.js'

/** One request, when it is over. Nothing secret is in it: URLs are displayable, headers are not there. */
export interface RequestRecord {
  /** X-Request-Id. */
  readonly id: string
  readonly method: string
  /** Path without query. */
  readonly path: string
  /** Displayable URL of the artifact. */
  readonly target?: string
  readonly status: number
  /** Cache-Status without `kiss; `. */
  readonly cache?: string
  /** How the artifact was served. */
  readonly as?: ServedAs
  /** Code of the problem. */
  readonly code?: string
  /** Body bytes sent, by us or by the proxy that they were handed to. */
  readonly bytes: number
  /** Milliseconds until the first body byte, or the head of an answer without body, was handed over. */
  readonly firstByte: number
  /** Milliseconds until the end. */
  readonly duration: number
  readonly client: string | undefined
  /** Complete; the client left; the body failed and the connection was closed short. */
  readonly outcome: 'done' | 'aborted' | 'failed'
}

/** Whoever wants to know of requests: a log, metrics, both. Never throws, never blocks. */
export interface RequestLog {
  log(record: RequestRecord): void
}

/** What the server says beside requests. */
export interface ServerLog extends RequestLog {
  info(message: string): void
  warn(message: string): void
  /** Something that nobody foresaw; the error's stack is for the log alone. */
  error(message: string, error: unknown): void
}
