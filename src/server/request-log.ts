/** The record of a request, and the interfaces of logs. */

import type { ServedAs } from '../store/types.js'

/** One request, after its end, without secrets: URLs are displayable, headers are not in it. */
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
  /** Body bytes sent, by this server or by the proxy that was told to send them. */
  readonly bytes: number
  /** Milliseconds until the first body byte, or the head of an answer without body, was handed over. */
  readonly firstByte: number
  /** Milliseconds until the end. */
  readonly duration: number
  readonly client: string | undefined
  /** Complete; the client left; the body failed and the connection was closed short. */
  readonly outcome: 'done' | 'aborted' | 'failed'
}

/** The fields in which the records of equal requests differ. */
export type OwnFields = Pick<RequestRecord, 'id' | 'firstByte' | 'duration' | 'client'>

/** A consumer of records: a log, metrics, or both. Never throws, never blocks. */
export interface RequestLog {
  log(record: RequestRecord): void
  /** Logs requests with this record and fields of their own: what they have in common is prepared once. */
  logEqual(record: RequestRecord): (own: OwnFields) => void
}

/** A log that also takes messages. */
export interface ServerLog extends RequestLog {
  info(message: string): void
  warn(message: string): void
  /** An unexpected error; its stack is for the log alone. */
  error(message: string, error: unknown): void
}
