/** The workers of one `kiss serve`: starts them, replaces those that die, ends all of them. */

import type { Worker } from 'node:cluster'
import { KissError } from '../../errors.js'
import type { ServerLog } from '../../server/request-log.js'
import { LONGEST_TIMER } from '../../waits.js'
import { reportedError, type FromWorker, type ToWorker } from './worker-link.js'

export interface WorkersOptions {
  readonly count: number
  readonly fork: () => Worker
  readonly log: ServerLog
  readonly stop: AbortSignal
  /** Milliseconds from the signal until a worker that has not ended is killed. */
  readonly endWithin: number
  /** The first one listens. */
  readonly onListening: (url: string) => void
}

interface Member {
  readonly worker: Worker
  readonly startedAt: number
  listening: boolean
  failure?: KissError
}

export class Workers {
  readonly #o: WorkersOptions
  readonly #members = new Set<Member>()
  readonly #restarts = new Set<NodeJS.Timeout>()
  #history: Restarts = { inRow: 0 }
  #listened = false
  #ending = false
  #failure: KissError | undefined
  #ended: () => void = () => undefined

  constructor(options: WorkersOptions) {
    this.#o = options
  }

  /** Resolves when the signal has come and all have ended; rejects when none can start. */
  async run(): Promise<void> {
    const { stop, endWithin } = this.#o
    if (stop.aborted) return
    const ended = new Promise<void>((resolve) => (this.#ended = resolve))
    const onStop = (): void => this.#end(endWithin)
    stop.addEventListener('abort', onStop, { once: true })
    this.#start()
    await ended
    stop.removeEventListener('abort', onStop)
    if (this.#failure) throw this.#failure
  }

  /** Sends a message to all workers. */
  tell(message: ToWorker): void {
    for (const member of this.#members) this.#tell(member, message)
  }

  #tell({ worker, listening }: Member, message: ToWorker): void {
    if (listening && worker.isConnected()) worker.send(message)
  }

  #start(): void {
    const worker = this.#o.fork()
    const member: Member = { worker, startedAt: performance.now(), listening: false }
    this.#members.add(member)
    worker.on('message', (message: FromWorker) => this.#hear(member, message))
    worker.once('exit', () => {
      // Its last messages may still be on their way.
      if (worker.isConnected()) worker.once('disconnect', () => this.#bury(member))
      else this.#bury(member)
    })
    // A channel that breaks is followed by the exit.
    worker.on('error', () => undefined)
  }

  #hear(member: Member, message: FromWorker): void {
    if (message.kind === 'failed') {
      member.failure = reportedError(message)
      return
    }
    member.listening = true
    // The message was sent before it could receive it.
    if (this.#ending) this.#tell(member, { kind: 'drain' })
    if (this.#listened) return
    this.#listened = true
    this.#o.onListening(message.url)
    if (this.#ending) return
    // The first worker shows that the settings work; if all started at once, all would report the same error.
    for (let i = 1; i < this.#o.count; i++) this.#start()
  }

  #bury(member: Member): void {
    this.#members.delete(member)
    const { pid = 0, signalCode, exitCode } = member.worker.process
    const how = member.failure?.message ?? signalCode ?? `exit code ${exitCode ?? 0}`
    if (this.#ending) {
      if (this.#members.size === 0) this.#ended()
      return
    }
    const { restarts, wait } = afterDeath(this.#history, {
      listened: member.listening,
      lived: performance.now() - member.startedAt,
      othersListening: [...this.#members].filter(({ listening }) => listening).length,
      hopeless: member.failure !== undefined && !this.#listened,
    })
    this.#history = restarts
    if (wait === undefined) {
      this.#failure = member.failure ?? new KissError('internal', `no worker can start: the last one ended with ${how}`)
      this.#end(0)
      return
    }
    this.#o.log.warn(`worker ${pid} ended: ${how}; another takes its place${wait > 0 ? ` in ${wait} ms` : ''}`)
    const timer = setTimeout(() => {
      this.#restarts.delete(timer)
      this.#start()
    }, wait)
    this.#restarts.add(timer)
  }

  #end(within: number): void {
    if (this.#ending) return
    this.#ending = true
    for (const timer of this.#restarts) clearTimeout(timer)
    this.tell({ kind: 'drain' })
    const kill = (): void => {
      for (const { worker } of this.#members) worker.process.kill('SIGKILL')
    }
    setTimeout(kill, Math.min(within, LONGEST_TIMER)).unref()
    if (this.#members.size === 0) this.#ended()
  }
}

/** Milliseconds of listening after which the death of a worker does not count as immediate. */
const STABLE = 2_000
/** Milliseconds before the third worker in a row that dies at once is replaced; doubles with each. */
const FIRST = 500
/** Milliseconds. */
const LONGEST = 30_000
/** Workers in a row that did not come to listen, with none left that does. */
const ATTEMPTS = 5

/** Workers in a row that died at once. */
export interface Restarts {
  readonly inRow: number
}

export interface Death {
  /** It listened. */
  readonly listened: boolean
  /** Milliseconds. */
  readonly lived: number
  /** The number of other workers that listen. */
  readonly othersListening: number
  /** It reported why it could not start, and no worker ever started: the next one would fail as well. */
  readonly hopeless: boolean
}

/** Decides when a dead worker is replaced. `wait`: milliseconds until the next one; undefined: none can start, give up. */
export function afterDeath(restarts: Restarts, death: Death): { restarts: Restarts; wait: number | undefined } {
  if (death.listened && death.lived >= STABLE) return { restarts: { inRow: 0 }, wait: 0 }
  const inRow = restarts.inRow + 1
  const noneLeft = !death.listened && death.othersListening === 0
  if (noneLeft && (death.hopeless || inRow >= ATTEMPTS)) return { restarts: { inRow }, wait: undefined }
  return { restarts: { inRow }, wait: inRow < 2 ? 0 : Math.min(FIRST * 2 ** (inRow - 2), LONGEST) }
}
