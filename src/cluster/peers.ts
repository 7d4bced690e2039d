/** Requests bodies from other nodes over HTTP. A request carries a key id, and no cookie, URL or credential of a client. */

import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as TlsAgent, request as httpsRequest } from 'node:https'
import { isCertificateError, systemCode } from '../errors.js'
import type { About } from '../flight/cluster.js'
import { parseReprDigest } from '../http/digest.js'
import { parseOrUndefined } from '../store/files.js'
import type { KeyId, Sha256 } from '../store/types.js'
import { alarm } from './alarm.js'
import type { ClockDifference } from './time.js'

/** Milliseconds after which a connection attempt has failed. */
const CONNECT = 1_000
/** Milliseconds in which a node has to answer a command. */
const PROMPT = 5_000
/** Milliseconds for which the result of a look at a node is used again. */
const RECENT = 900
/** Milliseconds in which a node has to answer a request for bytes that it has, and a look whether it answers at all. */
const QUICK = 2_000
/** Bytes: the description of a body may hold a URL of 8 KiB and other headers twice. */
const HEADERS = 64 * 1024
/** Milliseconds between two log lines about a node. */
const QUIET = 60_000

/** The header for the metadata that a node sends with the bytes. */
const ABOUT = 'x-kiss-entry'
/** Which bytes are requested: those under the generation of the node's lease, `stored` ones, or a `part`. */
export const GENERATION = 'x-kiss-generation'
export const TOKEN = 'x-kiss-token'

export interface PeerQuestion {
  readonly id: KeyId
  readonly generation: number | 'stored' | 'part'
  /** The headers `range` and `if-range`. */
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

export interface PeerBody {
  readonly kind: 'body'
  readonly status: 200 | 206
  readonly about: About
  readonly contentRange: string | undefined
  readonly stream: IncomingMessage
  /** Available after the stream has ended. */
  readonly sum: () => Sha256 | undefined
}

export type PeerReply =
  | PeerBody
  /** The node has no such body, or has another generation. */
  | { readonly kind: 'not here' }
  /** The node does not lend this body, or does not accept our token. */
  | { readonly kind: 'refused'; readonly status: number }
  /** No process listens at the address. */
  | { readonly kind: 'dead' }
  | { readonly kind: 'unreachable'; readonly cause: unknown }

export interface PeersOptions {
  readonly token: string
  readonly time: ClockDifference
  /** Certificate authorities (PEM) for nodes with https URLs. */
  readonly ca?: string | undefined
  readonly warn: (message: string) => void
}

export class Peers {
  readonly #o: PeersOptions
  readonly #agent = new Agent({ keepAlive: true })
  readonly #tlsAgent: TlsAgent
  /** When the log got a line about a node; milliseconds, monotonic. */
  readonly #told = new Map<string, number>()
  readonly #looks = new Map<string, { readonly at: number; readonly answers: Promise<boolean> }>()

  constructor(options: PeersOptions) {
    this.#o = options
    this.#tlsAgent = new TlsAgent({ keepAlive: true, ...(options.ca !== undefined && { ca: options.ca }) })
  }

  /** Throws nothing but the reason of the signal. */
  async get(node: string, question: PeerQuestion): Promise<PeerReply> {
    const reply = await this.#get(node, question)
    // A connection that was kept open ended with its process. A new connection shows which process listens there now.
    return reply.kind === 'unreachable' && isReset(reply.cause) ? this.#get(node, question, true) : reply
  }

  async #get(node: string, { id, generation, headers, signal }: PeerQuestion, isAnew = false): Promise<PeerReply> {
    try {
      const more = { ...headers, [GENERATION]: String(generation) }
      const within = typeof generation === 'number' ? undefined : QUICK
      const what = { method: 'GET', headers: more, signal, isAnew, within } as const
      const response = await this.#send(node, `api/v1/peer/${id}`, what)
      const about = this.#heard(parseOrUndefined(String(response.headers[ABOUT])) as About | undefined)
      const status = response.statusCode ?? 0
      if (about && (status === 200 || status === 206)) {
        const told = (): Sha256 | undefined =>
          parseReprDigest(text(response.headers['repr-digest'])) ?? parseReprDigest(response.trailers['repr-digest'])
        return {
          kind: 'body',
          status,
          about,
          contentRange: response.headers['content-range'],
          stream: response,
          sum: told,
        }
      }
      response.resume()
      return status === 404 || status === 409 ? { kind: 'not here' } : { kind: 'refused', status }
    } catch (error) {
      signal.throwIfAborted()
      return systemCode(error) === 'ECONNREFUSED' ? { kind: 'dead' } : { kind: 'unreachable', cause: error }
    }
  }

  #heard(about: About | undefined): About | undefined {
    return about?.entry ? { ...about, entry: this.#o.time.heard(about.entry) } : about
  }

  /** Does a process answer at this address? One request serves all downloads that look within a second. */
  answers(node: string): Promise<boolean> {
    const known = this.#looks.get(node)
    if (known && performance.now() - known.at < RECENT) return known.answers
    const answers = this.#look(node)
    this.#looks.set(node, { at: performance.now(), answers })
    return answers
  }

  async #look(node: string): Promise<boolean> {
    try {
      const what = { method: 'GET', headers: {}, isAnew: true, within: QUICK } as const
      const response = await this.#send(node, 'api/v1/health/', what)
      response.destroy()
      return true
    } catch {
      return false
    }
  }

  /** Sends a command to a node and resolves with its JSON answer. Throws if the node does not answer. */
  async post(node: string, path: string, fields: Readonly<Record<string, string>>): Promise<unknown> {
    const body = new URLSearchParams(fields).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.length) }
    const response = await this.#send(
      node,
      path,
      { method: 'POST', headers, signal: AbortSignal.timeout(PROMPT) },
      body,
    )
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    const answer = Buffer.concat(chunks).toString()
    if (response.statusCode !== 200) throw new Error(`it answered ${response.statusCode ?? 0}`)
    return parseOrUndefined(answer)
  }

  /** One line a minute about each node. Without one, downloads happen twice for no visible reason. */
  #tell(node: string, what: string): void {
    const now = performance.now()
    if (now - (this.#told.get(node) ?? -Infinity) < QUIET) return
    this.#told.set(node, now)
    this.#o.warn(`the node ${node} ${what}: this node takes no bytes from it, and purges reach it through Redis alone`)
  }

  close(): void {
    this.#agent.destroy()
    this.#tlsAgent.destroy()
  }

  #send(
    node: string,
    path: string,
    { method, headers, signal, isAnew = false, within }: Sending,
    body?: string,
  ): Promise<IncomingMessage> {
    const url = new URL(path, node.endsWith('/') ? node : `${node}/`)
    const isTls = url.protocol === 'https:'
    return new Promise((resolve, reject) => {
      const request = (isTls ? httpsRequest : httpRequest)(url, {
        method,
        ...(signal && { signal }),
        // A separate connection for this request.
        maxHeaderSize: HEADERS,
        agent: isAnew ? false : isTls ? this.#tlsAgent : this.#agent,
        ...(isTls && this.#o.ca !== undefined && { ca: this.#o.ca }),
        headers: { ...headers, [TOKEN]: this.#o.token },
      })
      request.once('socket', (socket) => {
        if (!socket.connecting) return
        const stop = alarm(CONNECT, () => request.destroy(new Error('no connection within a second')))
        socket.once(isTls ? 'secureConnect' : 'connect', stop)
        socket.once('close', stop)
      })
      const stop =
        within === undefined ? undefined : alarm(within, () => request.destroy(new Error('no answer in time')))
      request.once('close', () => stop?.())
      request.once('response', (response) => {
        stop?.()
        if (response.statusCode === 401) this.#tell(node, 'does not accept the first token of --cluster-token-file')
        resolve(response)
      })
      request.on('error', (error) => {
        if (isCertificateError(error)) this.#tell(node, `has a certificate that is not trusted (${error.message})`)
        reject(error)
      })
      request.end(body)
    })
  }
}

interface Sending {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Sends the request on a new connection. */
  readonly isAnew?: boolean
  /** Milliseconds until the answer has to begin. */
  readonly within?: number | undefined
}

function isReset(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ECONNRESET' || code === 'EPIPE'
}

function text(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}
