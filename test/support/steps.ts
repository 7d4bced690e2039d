/** What a scripted origin can be told to do with one request: the artifact it serves and the ways in which it fails. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Body } from './bytes.js'

/** What a path serves. Said in one step, it holds for the steps after it. */
export interface Served {
  readonly body?: Body
  /** With its quotes, and `W/` when weak. */
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
  readonly type?: string
  /** Answers ranges; default true. */
  readonly ranges?: boolean
  /** Answers a range although If-Range names another version. */
  readonly ignoresIfRange?: boolean
  /** How the end of the body is known; default `length`. */
  readonly framing?: 'length' | 'chunked' | 'close'
  /** Sends the body compressed, whatever the client accepts; then without ranges. */
  readonly gzip?: boolean
  /** Answers HEAD with 405. */
  readonly refusesHead?: boolean
  /** Headers that a request must have (names lower case); 401 otherwise. */
  readonly requires?: Readonly<Record<string, string>>
  /** Sent with every answer. */
  readonly extra?: Readonly<Record<string, string | string[]>>
}

/** What happens to one request. Each holds for its step alone (and the last step of a script stays for ever). */
export interface Fault {
  /**
   * Takes requests of this method; default GET. HEAD without steps of its own is answered plainly where there is a body,
   * else by the last step.
   */
  readonly method?: 'GET' | 'HEAD'
  /** Answers this status with `headers` and `text`; with `redirect` the status of the redirect (default 302). */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly text?: string
  /** Location, sent as it stands. */
  readonly redirect?: string
  /** Closes the connection before any answer. */
  readonly drop?: 'fin' | 'rst'
  /** Closes the connection after so many bytes of this answer's body. A RST may overtake bytes that the client has not read. */
  readonly cut?: { readonly after: number; readonly by?: 'fin' | 'rst' }
  /** Sends so many bytes of this answer's body, then nothing until `until` resolves, or for ever. */
  readonly stall?: { readonly after: number; readonly until?: Promise<unknown> }
  /** Bytes per second, until `throttleUntil` resolves, or to the end. */
  readonly throttle?: number
  readonly throttleUntil?: Promise<unknown>
  /** Milliseconds before the headers. */
  readonly delay?: number
  /** No headers before this resolves. */
  readonly hold?: Promise<unknown>
  /** Answers a range with 200 and everything. */
  readonly whole?: boolean
  /** What a 206 claims instead of the truth; with `start` the bytes begin there too. */
  readonly partial?: { readonly start?: number; readonly total?: number | '*'; readonly etag?: string }
  readonly handler?: (request: IncomingMessage, response: ServerResponse) => void
}

export type Step = Served & Fault
