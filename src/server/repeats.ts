/**
 * Repeated hits: the answer to a request is prepared once, and sent to equal requests while it stays valid.
 *
 * A request is plain if none of its fields can change a public hit. An answer is repeatable if the engine can confirm it without
 * a lookup, prepared when it is made for the next equal request, and ready when it is confirmed for one request.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Engine } from '../engine/types.js'
import { printable } from '../printable.js'
import { ageSeconds } from '../http/freshness.js'
import { LruMap } from '../store/lru.js'
import type { Access } from './access.js'
import { requestId } from './incoming.js'
import type { Readers } from './readers.js'
import type { Reply, Repeatable } from './reply.js'
import type { OwnFields, RequestLog, RequestRecord } from './request-log.js'
import type { Incoming } from './route.js'

/** Prepared answers; one takes about 3 KiB, without its body, which the store holds. */
const LIMIT = 4_096

/** Characters. Clients choose most of a key, so that without a bound they could fill the memory with long ones. */
const LONGEST_KEY = 1_024

/**
 * Header fields that do not change a public hit. Tokens and forwarded addresses decide the access, which is checked for each
 * request. A request with any other field gets no prepared answer.
 */
const harmless: ReadonlySet<string> = new Set([
  'host',
  'user-agent',
  'accept',
  'accept-encoding',
  'accept-language',
  'connection',
  'x-request-id',
  'authorization',
  'private-token',
  'job-token',
  'x-kiss-token',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-real-ip',
  'forwarded',
])

export interface RepeatsOptions {
  readonly engine: Pick<Engine, 'again' | 'sentAgain'>
  readonly access: Access
  readonly readers: Readers
  readonly log: RequestLog
  readonly newId: () => string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The common part of all answers to equal requests. */
export interface Prepared extends Repeatable {
  /** Names and values in turn, as writeHead takes them; those at {@link ID_AT} and `ageAt` are of the last answer. */
  readonly fields: string[]
  readonly ageAt: number
  /** The record of a request that is sent completely, without its own fields. */
  readonly record: RequestRecord
  readonly log: (own: OwnFields) => void
}

/** A prepared answer that is still valid, with the values of one request. */
export interface Ready {
  readonly bytes: Buffer
  readonly id: string
  readonly age: string
  /** The bytes were handed to the operating system, or wait for it. */
  readonly handedOver: () => void
  /** Called once, at the end: whether the operating system has all bytes. */
  readonly end: (isDone: boolean) => void
}

/** The fields begin with Server and X-Request-Id. */
export const ID_AT = 3

export class Repeats {
  readonly #o: RepeatsOptions
  readonly #prepared = new LruMap<string, Prepared>(LIMIT)

  constructor(options: RepeatsOptions) {
    this.#o = options
  }

  /** Prepares the answer for the next equal request, if it may be repeated. */
  learn(message: IncomingMessage, { path, notes }: Incoming, { headers, repeatable }: Reply): void {
    if (repeatable === undefined || !isPlain(message)) return
    const key = keyOf(message)
    if (key.length > LONGEST_KEY) return
    const own = { Server: 'kiss', 'X-Request-Id': '', ...headers, 'Content-Length': String(repeatable.entry.size) }
    const fields = Object.entries(own).flat()
    const ageAt = fields.indexOf('Age') + 1
    const result = { status: 200, bytes: repeatable.entry.size, outcome: 'done' } as const
    const record = {
      id: '',
      method: 'GET',
      path: printable(path),
      ...notes,
      ...result,
      firstByte: 0,
      duration: 0,
      client: undefined,
    }
    this.#prepared.set(key, { ...repeatable, fields, ageAt, record, log: this.#o.log.logEqual(record) })
  }

  /** The prepared answer to a plain request. */
  find(message: IncomingMessage): Prepared | undefined {
    return this.#prepared.get(keyOf(message))
  }

  /** Sends a prepared answer that is still valid. False: nothing was sent. */
  send(message: IncomingMessage, response: ServerResponse): boolean {
    const prepared = isPlain(message) ? this.find(message) : undefined
    const ready = prepared && this.ready(prepared, message)
    if (prepared === undefined || ready === undefined) return false
    // `close` reports the end of the connection.
    response.on('error', ignore)
    response.on('close', () => ready.end(response.writableFinished))
    const { fields, ageAt } = prepared
    fields[ID_AT] = ready.id
    fields[ageAt] = ready.age
    response.writeHead(200, fields)
    response.end(ready.bytes)
    ready.handedOver()
    return true
  }

  /** The answer to a request, if its client is admitted and the engine confirms it. */
  ready(prepared: Prepared, { socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): Ready | undefined {
    const { access, engine, log, readers, newId, now } = this.#o
    const client = access.clientOf(socket.remoteAddress, headers)
    if (!access.admitsAddress(client) || !access.admitsToken(headers, 'fetch')) return undefined
    const again = engine.again(prepared.entry, prepared.ttl)
    if (again === undefined) return undefined
    const { entry, bytes, close } = again
    const startedAt = performance.now()
    const id = requestId(headers['x-request-id']) ?? newId()
    let firstByte = 0
    readers.enter()
    return {
      bytes,
      id,
      age: String(ageSeconds(entry, now())),
      handedOver: () => (firstByte = Math.round(performance.now() - startedAt)),
      end(isDone) {
        close()
        const duration = Math.round(performance.now() - startedAt)
        const own = { id, firstByte, duration, client }
        engine.sentAgain(entry, isDone ? bytes.length : 0)
        if (isDone) prepared.log(own)
        else log.log({ ...prepared.record, ...own, bytes: 0, outcome: 'aborted' })
        readers.leave()
      },
    }
  }
}

function ignore(): void {
  // Nothing is left to do.
}

/** A GET of HTTP/1 whose fields are all harmless and occur once: two `Host` fields match no host (incoming.ts). */
export function isPlain(message: IncomingMessage): boolean {
  if (message.method !== 'GET' || message.httpVersionMajor !== 1) return false
  let names = 0
  for (const name in message.headers) {
    if (!harmless.has(name)) return false
    names++
  }
  return message.rawHeaders.length === 2 * names
}

/**
 * The key of a prepared answer: the target, the name of the server in the request, the fields that can choose a representation
 * (`passheaders`), and `Connection`, which can keep those fields from the origin.
 */
function keyOf({ url, headers }: IncomingMessage): string {
  const { host, accept, 'accept-language': language, connection } = headers
  return `${url}\n${host ?? ''}\n${accept ?? ''}\n${language ?? ''}\n${connection ?? ''}`
}
