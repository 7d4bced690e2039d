/** Responses as values: handlers return them, write-reply.ts writes them. */

import type { Entry } from '../store/types.js'

/** Where the bytes of a body go. Both resolve when the operating system has them, and reject when the client has gone. */
export interface BodySink {
  write(chunk: Uint8Array): Promise<void>
  /**
   * Sends bytes of a file without a copy in this process, behind the bytes that were written. Resolves with their number, which
   * is 0 while the socket is full, and rejects when the client has gone. Absent where that is not possible.
   */
  readonly sendFile?: ((fd: number, position: number, count: number) => Promise<number>) | undefined
  /** The last bytes, and of a chunked body the fields behind them (RFC 9110 §6.5); nothing may follow. */
  end(chunk?: Uint8Array, trailers?: Readonly<Record<string, string>>): Promise<void>
}

/** A body that is produced while it is sent. Exactly one of `send` and `discard` is called, once. */
export interface StreamBody {
  /** Bytes; undefined: chunked. */
  readonly length: number | undefined
  /** Send the headers before the first bytes arrive. */
  readonly flush: boolean
  /** Writes everything and ends. When it rejects, the connection is closed short. */
  send(sink: BodySink): Promise<void>
  /** Releases a body that is not sent: for HEAD, or after the client left. */
  discard(outcome: 'done' | 'aborted'): Promise<void>
}

/** A hit that may be repeated for an equal request while the engine confirms it. */
export interface Repeatable {
  readonly entry: Entry
  /** Of the request; milliseconds. */
  readonly ttl: number | undefined
}

export interface Reply {
  readonly status: number
  /** Names in any case. The writer sets Content-Length. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | StreamBody
  readonly repeatable?: Repeatable
}

/** Headers that forbid storing the answer. */
const uncached = { 'Cache-Control': 'no-store' }

export function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...uncached, ...headers }, body }
}

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  const body = `${JSON.stringify(value, null, 2)}\n`
  return { status, headers: { 'Content-Type': 'application/json', ...uncached, ...headers }, body }
}
