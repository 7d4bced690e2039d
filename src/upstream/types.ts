/** Requests of the engine to the network, and its answers. */

import type { UpstreamProvider } from '../provider/types.js'

/** A limit of its own on downloads at once, in place of the limit per host. */
export interface Lane {
  readonly name: string
  readonly places: number
}

export interface OriginRequest {
  /** The requested URL. Every call begins here: no Location is remembered. */
  readonly url: URL
  readonly provider: UpstreamProvider
  readonly method: 'GET' | 'HEAD'
  /** Lower-case names: the passed headers of the client, and Range, If-Range, If-None-Match and If-Modified-Since of kiss. */
  readonly headers: Readonly<Record<string, string>>
  /** The client brought a credential (a header, userinfo, a signed query). */
  readonly clientCredential: boolean
  readonly signal: AbortSignal
  /** Milliseconds from the start (see {@link onStart}) until the headers of the final answer. */
  readonly headersTimeout: number
  /** Milliseconds from the start until the first byte of an origin's body; default: the stall timeout after the headers. */
  readonly firstByteTimeout?: number
  /**
   * Called once, when the request goes out: at once, or when the limits on downloads have a place for it. HEAD and
   * conditional GETs need none; where one is answered with the whole body, reading that waits for a place.
   */
  readonly onStart?: () => void
  /** Called when it has to wait for a place; the function gives its number in the queue, from 1, and 0 when it has its turn. */
  readonly onQueue?: (place: () => number) => void
  /** Milliseconds: the maximum age, for sources that are caches. */
  readonly ttl?: number | undefined
  /** The origin must confirm the answer now; for sources that are caches. */
  readonly refresh?: boolean | undefined
  /**
   * Present on the ranges of a parallel download. True for a further connection: it does not wait for a slot, and yields its
   * own to a waiting download.
   */
  readonly spare?: boolean
  /** Canonical URLs that led to this one; for other URLs of this cache as its source. */
  readonly through?: readonly string[] | undefined
  /** Via of the client's request; it is sent to parents only. */
  readonly via?: string | undefined
  /** Address of the client: clients share the slots. */
  readonly client?: string | undefined
  readonly lane?: Lane | undefined
  /**
   * The number of waiting clients; default 1. A slow download without clients yields its slot to a waiting one: the request or
   * the body throws an error with the code `ERR_YIELDED`.
   */
  readonly readers?: () => number
  /**
   * The source of the validators and the range in `headers` ({@link OriginAnswer.source}); every other source is asked without
   * them. Absent: the origin.
   */
  readonly source?: string | undefined
  /** Absent: the artifact, after all redirects. */
  readonly relay?: Relay | undefined
}

/** A request for the origin's own answer: all fields are sent to the origin only, and no redirect is followed. */
export interface Relay {
  /** Receives interim answers (RFC 9110 §15.2). */
  readonly inform?: ((status: number, fields: Readonly<Record<string, string>>) => void) | undefined
}

/**
 * The final answer, after redirects. The receiver reads `body` to its end, or calls `discard`. Reading the body throws
 * a plain error with a system code (`UND_ERR_SOCKET`, `UND_ERR_BODY_TIMEOUT`, `ERR_CONNECTION_RESET`) when it is cut or stalls.
 */
export interface OriginAnswer {
  /** The URL that gave this answer, after redirects. May hold a signature: never shown, never stored. */
  readonly url: URL
  /** Redirects that led here. */
  readonly hop: number
  readonly status: number
  /** Lower-case names; repeated fields joined with ', '. */
  readonly headers: Readonly<Record<string, string>>
  /** The kind of source, by which the bytes are counted. */
  readonly kind: SourceKind
  /** Identifies the source of the validators, for example a mirror by its URL. Absent: the origin. */
  readonly source?: string
  /** Displayable name of the server that answered in place of the origin, for messages. Absent: the origin. */
  readonly sender?: string
  /** Milliseconds since the origin confirmed the bytes; absent: now. */
  readonly age?: number
  /** The Cache-Status of the parent that answered (RFC 9211). */
  readonly cacheStatus?: string
  /** The SHA-256 that the provider or the parent knows for the content. */
  readonly sha256?: string | undefined
  /** Bytes as sent: never decompressed. */
  readonly body: AsyncIterable<Buffer>
  /** Discards the body; never throws. */
  discard(): Promise<void>
  /** Up to 4 KiB of the body as text, the rest discarded; for error pages. */
  excerpt(): Promise<string>
}

/** `cache`: another URL of this cache, where the bytes were counted when they came. `peer`: another node of the cluster. */
export type SourceKind = 'cache' | 'peer' | 'parent' | 'mirror' | 'origin'

/**
 * A source of bytes. flight/sources.ts has the order of the sources and the counters of their bytes. An implementation answers
 * with bytes of the content of the URL, or declines.
 */
export interface Source {
  /**
   * undefined: this source has no answer for the request, and the next one is asked. Throws if no other source may be asked. A
   * source with limited downloads calls `turn.begin()` before its first request; other sources do not use the turn.
   */
  ask(request: OriginRequest, turn: Turn): Promise<OriginAnswer | undefined>
}

/** The slot of one request among the downloads, which all of its sources share. */
export interface Turn {
  /** Aborted with the request, and when its slot is taken away. */
  readonly signal: AbortSignal
  /** Called before the first request to a server: waits for a slot if the request is a download. */
  begin(): Promise<void>
  /** Before a body is read: waits for a place where there is none yet. */
  enter(): Promise<void>
  /** Bytes of the body that arrived. */
  count(bytes: number): void
  leave(): void
}

/** The network: its sources, and the limits on downloads. */
export interface Upstream {
  /** In the order in which they are asked. */
  readonly sources: readonly Source[]
  turn(request: OriginRequest): Turn
  update(lists: UpstreamLists): void
  close(): Promise<void>
}

/**
 * One request to an origin: authorise, guard, connect, follow redirects by hand. Throws KissError: `upstream-forbidden`
 * (the address guard), `credential` (a provider), `unsupported-scheme`, `origin-refused` (a refused answer), `origin-failed`
 * (https to http), `loop` (a circle of redirects, or back to this server); and errors of the network unchanged if a retry may
 * help (ECONNREFUSED, ENOTFOUND, timeouts).
 */
export interface Origins {
  request(request: OriginRequest): Promise<OriginAnswer>
  /** From now on these hold. Throws KissError `usage` for a list that cannot be read; then nothing has changed. */
  update(lists: UpstreamLists): void
  close(): Promise<void>
}

/** The options that can change while kiss runs; of the parents, not `only` and `asCache`. */
export type UpstreamLists = Pick<UpstreamOptions, 'allow' | 'deny' | 'mirrors' | 'parents'>

/** Places to try before the origin, for the URLs that a pattern matches. See mirrors.ts for the pattern. */
export interface Mirror {
  readonly match: string
  /** URL prefixes. */
  readonly to: readonly string[]
}

/** Kiss servers to ask before mirrors and origin, for the URLs that a pattern matches, or for all. */
export interface Parent {
  readonly match?: string
  /** In place of a pattern. @param url without query */
  readonly holdsFor?: (url: string) => boolean
  /** Addresses. */
  readonly to: readonly string[]
}

export interface Parents {
  readonly of: readonly Parent[]
  /** What a parent cannot give fails: neither mirrors nor the origin are asked. */
  readonly only?: boolean
  /** They replace the cache of a command (`--server`): their refusals are reported unchanged. Implies `only`. */
  readonly asCache?: boolean
  /** The token for parents that require one. */
  readonly token?: string | undefined
}

/** The server on whose behalf kiss asks: an origin that leads back to it would have it wait for itself. */
export interface OwnServer {
  isNamedBy(url: URL): boolean
  listensAt(address: string, port: number): boolean
}

/** Where kiss may connect, and how. */
export interface UpstreamOptions {
  /** False on a laptop (`kiss fetch`): no address guard. Default true. */
  readonly guard?: boolean
  /** Hosts (`example.com`, `*.example.com`, each with an optional `:port`), addresses and CIDRs. */
  readonly allow?: readonly string[]
  /** The same forms; deny wins. */
  readonly deny?: readonly string[]
  /** PEM file of certificates to trust beside the defaults. */
  readonly caFile?: string
  /** Concurrent downloads, in total and per host (of the requested URL). */
  readonly maxDownloads?: number
  readonly maxDownloadsPerHost?: number
  /** Bytes per second over all downloads; 0 for no limit. */
  readonly maxRate?: number
  /** Milliseconds without a byte of a body. */
  readonly stallTimeout?: number
  /** For HTTP_PROXY, HTTPS_PROXY, NO_PROXY (either case); without it no proxy is used. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Identifies this instance in Via, so that loops are seen. */
  readonly via?: string
  /** Absent: there is no server. */
  readonly self?: OwnServer
  readonly mirrors?: readonly Mirror[]
  readonly parents?: Parents
  /** Receives one line for each mirror or parent that goes down or comes back, and for each other web server in its place. */
  readonly warn?: (message: string) => void
  /** Receives every request and answer, several lines each, credentials hidden. */
  readonly trace?: ((lines: string) => void) | undefined
}
