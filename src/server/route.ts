/** Routes, and how a request finds its own: pages register here, the server knows none by name. */

import type { IncomingHttpHeaders } from 'node:http'
import type { Engine } from '../engine/types.js'
import type { ServedAs } from '../store/types.js'
import type { Access } from './access.js'
import type { BufferPool } from './buffer-pool.js'
import type { Reply } from './reply.js'
import type { Self } from './self.js'

/** One request as handlers see it. */
export interface Incoming {
  /** X-Request-Id: the client's, if it is fit to be shown, else our own. */
  readonly id: string
  readonly method: string
  /** Of HTTP: `1.1`. */
  readonly version: string
  /** As sent: percent-encoded, without query. */
  readonly path: string
  /** As sent, without `?`. */
  readonly query: string
  /** What the groups of the route's pattern matched, percent-encoded; '' for one that matched nothing. */
  readonly params: readonly string[]
  readonly headers: IncomingHttpHeaders
  /** The client's address, seen through trusted proxies; undefined when a proxy did not tell. */
  readonly client: string | undefined
  /** It came through a trusted proxy. */
  readonly proxied: boolean
  /** The role of the client, by its token. */
  readonly role: 'anyone' | 'admin'
  /** The absolute URL of this server as the client writes it, with a final `/`. */
  readonly base: string
  /** The body of a form. @throws KissError `usage` for another type of body (415) and for a long one (413) */
  readonly form: () => Promise<URLSearchParams>
  /** Aborted when the client leaves before its answer is complete. */
  readonly signal: AbortSignal
  /** Sends an interim answer (RFC 9110 §15.2), if the client can take it. */
  readonly inform: (status: number, fields: Readonly<Record<string, string>>) => void
  /** Fields that the handler adds to the log line of this request. */
  readonly notes: Notes
}

export interface Notes {
  /** Displayable URL of the artifact. */
  target?: string
  /** The value of Cache-Status without `kiss; `. */
  cache?: string
  /** How the artifact is served. */
  as?: ServedAs
  /** Code of the problem. */
  code?: string
  /** Body bytes that a proxy sends in our place. */
  handedOver?: number
}

/** What handlers work with. */
export interface Services {
  readonly engine: Engine
  readonly access: Access
  readonly self: Self
  readonly pool: BufferPool
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly version: string
  /** Names (lower case) of client headers that go on to origins where the request names none. */
  readonly passHeaders: readonly string[]
  /** Milliseconds that a client waits for its first byte, and for each next one. */
  readonly patience: number
  /** Milliseconds that a client waits for a place among the downloads. */
  readonly queuePatience: number
  readonly draining: () => boolean
  /** Where a proxy finds the blobs, if one sends them (accel.ts). */
  readonly accelPrefix?: string
}

export type Handler = (request: Incoming, services: Services) => Reply | Promise<Reply>
export type Method = 'GET' | 'HEAD' | 'DELETE' | 'POST'
export type Handlers = Partial<Readonly<Record<Method, Handler>>>

export interface Route {
  /** Matched against the whole path. */
  readonly path: RegExp
  /**
   * Whom it answers: everybody; clients whose address is allowed and who hold a token where one is needed; the same, but
   * only by X-Kiss-Token, because Authorization is meant for the origin.
   */
  readonly guard: 'open' | 'client' | 'fetch'
  /** GET answers HEAD too, without its body, unless HEAD has a handler of its own. */
  readonly handlers: Handlers
  /** Handlers for holders of the admin token; without an admin token they do not exist. */
  readonly admin?: Handlers
  /** Answers under any Host: probes use whatever name or address they know. */
  readonly anyHost?: boolean
  /** Answers 503 while draining. */
  readonly refuseWhileDraining?: boolean
  /** Draining waits for its readers. */
  readonly reader?: boolean
}

export function findRoute(
  routes: readonly Route[],
  path: string,
): { readonly route: Route; readonly params: readonly string[] } | undefined {
  for (const route of routes) {
    const match = route.path.exec(path)
    if (match !== null) return { route, params: match.slice(1).map((group: string | undefined) => group ?? '') }
  }
  return undefined
}

/** For Allow, RFC 9110 §10.2.1. */
export function allowedMethods(route: Route, withAdmin: boolean): string[] {
  const names = [...Object.keys(route.handlers), ...(withAdmin ? Object.keys(route.admin ?? {}) : [])]
  return [...new Set(names.includes('GET') ? ['GET', 'HEAD', ...names] : names)]
}
