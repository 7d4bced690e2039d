/**
 * The connection to Redis (or Valkey). Every call has a deadline. While Redis does not answer, calls fail at once: the loss
 * of Redis costs hints and no request.
 */

import { createHash } from 'node:crypto'
import { createClient, ErrorReply } from '@redis/client'
import { alarm } from './alarm.js'
import { masterOf, sentinelsOf, tlsOf, type Sentinels } from './sentinel.js'

/** Milliseconds for one call; a client waits for it. */
const DEADLINE = 400
/** Milliseconds between two attempts to reach a Redis that does not answer. */
const LOOK = 200
/** Milliseconds after which a connection that does not serve is replaced: another Redis may have the name or the role by now. */
const REPLACED = 3_000
/** Milliseconds between two log lines about the loss of Redis. */
const QUIET = 60_000
/** Milliseconds for which a blocking read of the log waits for a record. */
const BLOCK = 5_000

export interface RedisOptions {
  /** `redis://` or `rediss://`, with user and password if needed. For `+sentinel` see SENTINEL_URL. */
  readonly url: string
  /** Certificate authorities (PEM) for `rediss://`; undefined: the default ones. */
  readonly ca?: string | undefined
  /** The prefix of every key. */
  readonly prefix?: string
  readonly warn: (message: string) => void
}

/** A Lua script. Redis runs it as one atomic step. */
export class Script {
  readonly sha: string
  constructor(readonly text: string) {
    this.sha = createHash('sha1').update(text).digest('hex')
  }
}

/** KEYS probe log. Fails where writes are refused (full, a replica, no right) or the log cannot be read. */
const PROBE = new Script(`
  redis.call('SET', KEYS[1], '1', 'PX', 1)
  redis.call('XREAD', 'COUNT', '1', 'STREAMS', KEYS[2], '0')`)

/** Redis did not answer in time, or refused the call. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

type Client = ReturnType<typeof clientOf>

function clientOf(url: string, ca: string | undefined) {
  const client = createClient({
    url,
    disableOfflineQueue: true,
    socket: { connectTimeout: 1_000, reconnectStrategy: LOOK, ...tlsOf(url, ca) },
  })
  // The calls report the state of the connection.
  client.on('error', () => undefined)
  client.connect().catch(() => undefined)
  return client
}

/** The connections to one Redis. */
interface Connected {
  readonly url: string
  readonly client: Client
  /** A separate connection for blocking reads, because a blocking read delays every later call on its connection. */
  readonly reader: Client
  /** Milliseconds, monotonic. */
  readonly since: number
}

export class Redis {
  readonly #o: RedisOptions
  readonly #sentinels: Sentinels | undefined
  /** undefined until a Sentinel has named the master. */
  #connected: Connected | undefined
  /** Why the client has no connection: its calls say only that it has none. */
  #trouble: unknown
  readonly #returned = new Set<() => void>()
  #isReachable = false
  #isClosed = false
  #looking: NodeJS.Timeout | undefined
  #told = -Infinity

  private constructor(options: RedisOptions) {
    this.#o = options
    this.#sentinels = sentinelsOf(options.url)
  }

  /** Waits a short time for the connection, and continues without it. */
  static async open(options: RedisOptions): Promise<Redis> {
    const redis = new Redis(options)
    await redis.#connect().catch(() => undefined)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1_000)
      redis.#connected?.client.once('ready', () => {
        clearTimeout(timer)
        resolve()
      })
    })
    await redis.#look()
    return redis
  }

  /** Connects to the Redis of the URL, or to the current master. */
  async #connect(): Promise<void> {
    const { url: own, ca } = this.#o
    const url = this.#sentinels ? await masterOf(this.#sentinels, ca) : own
    if (url === this.#connected?.url || this.#isClosed) return
    this.#disconnect()
    const client = clientOf(url, ca)
    client.on('error', (error: unknown) => (this.#trouble = error))
    client.on('ready', () => (this.#trouble = undefined))
    this.#connected = { url, client, reader: clientOf(url, ca), since: performance.now() }
  }

  #disconnect(): void {
    this.#connected?.client.destroy()
    this.#connected?.reader.destroy()
    this.#connected = undefined
  }

  #send(command: readonly string[]): Promise<unknown> {
    const { client } = this.#connected ?? {}
    if (!client) return Promise.reject(new Error('the master is not known'))
    return inTime(client.sendCommand([...command]))
  }

  get reachable(): boolean {
    return this.#isReachable
  }

  /** Called when Redis answers again after an outage. */
  onReturned(listener: () => void): void {
    this.#returned.add(listener)
  }

  /** @throws Unreachable */
  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    if (!this.#isReachable) throw new Unreachable('Redis is out of reach')
    try {
      return await this.#evaluate(script, keys, args)
    } catch (error) {
      this.#lose(error)
      throw new Unreachable('Redis is out of reach', { cause: error })
    }
  }

  #evaluate(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args.map(String)]
    return this.#send(['EVALSHA', script.sha, ...rest]).catch((error: unknown) => {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return this.#send(['EVAL', script.text, ...rest])
    })
  }

  /** The records of a stream after `last`, oldest first; waits up to some seconds for one. @throws Unreachable */
  async readLog(key: string, last: string): Promise<readonly Record[]> {
    const command = ['XREAD', 'COUNT', '1000', 'BLOCK', String(BLOCK), 'STREAMS', key, last]
    try {
      const { reader } = this.#connected ?? {}
      if (!reader) throw new Error('the master is not known')
      return recordsOf(await inTime(reader.sendCommand(command), BLOCK + 2_000))
    } catch (error) {
      throw new Unreachable('Redis is out of reach', { cause: error })
    }
  }

  close(): void {
    this.#isClosed = true
    this.#isReachable = false
    clearTimeout(this.#looking)
    this.#disconnect()
  }

  #lose(error: unknown): void {
    if (!this.#isReachable || this.#isClosed) return
    this.#isReachable = false
    this.#tell(error)
    this.#lookSoon()
  }

  #lookSoon(): void {
    if (!this.#isClosed) this.#looking = setTimeout(() => void this.#look(), LOOK)
  }

  async #look(): Promise<void> {
    const { prefix = '' } = this.#o
    try {
      await this.#connect()
      await this.#evaluate(PROBE, [`${prefix}probe`, `${prefix}log`], [])
    } catch (error) {
      this.#tell(error)
      if (performance.now() - (this.#connected?.since ?? Infinity) > REPLACED) this.#disconnect()
      this.#lookSoon()
      return
    }
    this.#isReachable = true
    for (const listener of this.#returned) listener()
  }

  /** Logs one line for each outage, not one for each call. */
  #tell(error: unknown): void {
    const now = performance.now()
    if (this.#isClosed || now - this.#told < QUIET) return
    this.#told = now
    const why = this.#trouble ?? error
    const what = why instanceof ErrorReply ? 'refuses to serve' : 'does not answer'
    this.#o.warn(`Redis ${what} (${reason(why)}): downloads are single on each node alone until it does`)
  }
}

/** One record of the log. */
export interface Record {
  /** The id in the stream: milliseconds by the clock of Redis, `-` and a number. */
  readonly id: string
  readonly fields: ReadonlyMap<string, string>
}

function recordsOf(reply: unknown): Record[] {
  const streams = (reply ?? []) as [key: string, records: [id: string, fields: string[]][]][]
  return streams.flatMap(([, records]) => records).map(([id, fields]) => ({ id, fields: pairsOf(fields) }))
}

function pairsOf(flat: readonly string[]): ReadonlyMap<string, string> {
  return new Map(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? ''] as const] : [])))
}

async function inTime<T>(call: Promise<T>, deadline = DEADLINE): Promise<T> {
  let stop = (): void => undefined
  const late = new Promise<never>((_, reject) => {
    stop = alarm(deadline, () => reject(new Error(`no answer within ${deadline} ms`)))
  })
  call.catch(() => undefined)
  try {
    return await Promise.race([call, late])
  } finally {
    stop()
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message.split('\n', 1).join('').slice(0, 200) : String(error)
}
