/** The live view: server-sent events (HTML §9.2), at most one a second, made once for all listeners. */

import type { Clock } from '../clock.js'
import { liveState } from './pages/live.js'
import type { Role } from './pages/view.js'
import { text, type BodySink, type Reply } from './reply.js'
import type { Route } from './route.js'
import type { Price } from '../units.js'
import type { Snapshots } from './snapshots.js'

export interface EventsOptions {
  readonly snapshots: Snapshots
  readonly sleep: Clock['sleep']
  readonly egressPrice: Price | undefined
}

/** Maximum listeners: each is a connection. */
const WATCHERS = 100
/** Maximum listeners of one client. */
const WATCHERS_OF_CLIENT = 10
/** Milliseconds between two events. */
const INTERVAL = 1_000
/** Milliseconds without an event after which a listener gets a sign of life; less than any proxy's timeout. */
const HEARTBEAT = 15_000
/** Milliseconds until a browser that lost its connection comes back. */
const RETRY = 5_000

type Listener = (event: string) => void

/** Makes the state of each role while there are listeners. */
export class LiveEvents {
  readonly #o: EventsOptions
  readonly #listeners: Readonly<Record<Role, Set<Listener>>> = { anyone: new Set(), admin: new Set() }
  /** The number of listeners of each client. */
  readonly #held = new Map<string, number>()
  readonly #last = new Map<Role, string>()
  readonly #stop = new AbortController()
  #quiet = 0
  #running = false

  constructor(options: EventsOptions) {
    this.#o = options
  }

  get watchers(): number {
    return this.#listeners.anyone.size + this.#listeners.admin.size
  }

  /** The reason why this client gets no listener now; undefined: it got one, which counts until {@link leave}. */
  admit(client: string): string | undefined {
    const held = this.#held.get(client) ?? 0
    const all = [...this.#held.values()].reduce((sum, n) => sum + n, 0)
    if (held >= WATCHERS_OF_CLIENT) return `${held} browsers of this client look at this server already`
    if (all >= WATCHERS) return `${all} browsers look at this server already`
    this.#held.set(client, held + 1)
    return undefined
  }

  leave(client: string): void {
    const held = this.#held.get(client) ?? 0
    if (held > 1) this.#held.set(client, held - 1)
    else this.#held.delete(client)
  }

  /** Writes events until the client leaves or the server closes; a client that reads slowly misses some. */
  async send(role: Role, sink: BodySink, signal: AbortSignal): Promise<void> {
    const first = `retry: ${RETRY}\n\n`
    let waiting: string | undefined = first
    let wake = (): void => undefined
    const listener: Listener = (event) => {
      waiting = waiting === first ? first + event : event
      wake()
    }
    const ended = AbortSignal.any([signal, this.#stop.signal])
    const onEnd = (): void => wake()
    ended.addEventListener('abort', onEnd)
    this.#join(role, listener)
    try {
      while (!ended.aborted) {
        if (waiting === undefined) {
          await new Promise<void>((resolve) => (wake = resolve))
          continue
        }
        const event: string = waiting
        waiting = undefined
        await sink.write(Buffer.from(event))
      }
      await sink.end()
    } finally {
      ended.removeEventListener('abort', onEnd)
      this.#listeners[role].delete(listener)
    }
  }

  close(): void {
    this.#stop.abort()
  }

  /** A new listener gets the latest event at once, or else the present state. */
  #join(role: Role, listener: Listener): void {
    const known = this.#listeners[role].size > 0 ? this.#last.get(role) : undefined
    this.#listeners[role].add(listener)
    if (known !== undefined) listener(known)
    else this.#last.delete(role)
    if (!this.#running) void this.#run()
    // A state that cannot be read is read again for the next event.
    else if (known === undefined) void this.#tell().catch(() => undefined)
  }

  async #run(): Promise<void> {
    this.#running = true
    try {
      while (this.watchers > 0) {
        // A state that cannot be read is read again a second later; pages that are loaded meanwhile show the reason.
        await this.#tell().catch(() => this.#last.clear())
        await this.#o.sleep(INTERVAL, this.#stop.signal)
      }
    } catch {
      // Only the sleep rejects, when the server closes.
    } finally {
      this.#running = false
    }
  }

  async #tell(): Promise<void> {
    const { snapshots, egressPrice } = this.#o
    const { view, now } = await snapshots.moment()
    let told = false
    for (const role of ['anyone', 'admin'] as const) {
      if (this.#listeners[role].size === 0) continue
      const event = `data: ${JSON.stringify(liveState({ view: view(role), egressPrice, now }))}\n\n`
      if (event === this.#last.get(role)) continue
      this.#last.set(role, event)
      this.#say(role, event)
      told = true
    }
    this.#quiet = told ? 0 : this.#quiet + INTERVAL
    if (this.#quiet < HEARTBEAT) return
    this.#quiet = 0
    for (const role of ['anyone', 'admin'] as const) this.#say(role, ': nothing new\n\n')
  }

  #say(role: Role, event: string): void {
    for (const listener of this.#listeners[role]) listener(event)
  }
}

/** A client with one address of IPv6 has 2^64 of them (RFC 6177): all of these are one client. */
function networkOf(client = 'unknown'): string {
  if (!client.includes(':')) return client
  const [head = '', tail] = client.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(8 - groups.length - rest.length).fill('0')
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':')
}

export function eventsRoute(events: LiveEvents): Route {
  return {
    path: /^\/events$/,
    guard: 'client',
    refuseWhileDraining: true,
    handlers: {
      GET: (request): Reply => {
        const client = networkOf(request.client)
        const refusal = events.admit(client)
        if (refusal !== undefined) return text(503, refusal, { 'Retry-After': '30' })
        return {
          status: 200,
          headers: {
            'Content-Type': 'text/event-stream',
            'Cache-Control': 'no-store',
            'X-Content-Type-Options': 'nosniff',
            // nginx would keep the events until its buffer is full.
            'X-Accel-Buffering': 'no',
          },
          body: {
            length: undefined,
            flush: true,
            send: (sink) => events.send(request.role, sink, request.signal).finally(() => events.leave(client)),
            discard: async () => events.leave(client),
          },
        }
      },
    },
  }
}
