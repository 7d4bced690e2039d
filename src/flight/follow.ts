/** Follows a generation that another process downloads: its head, its growing body and its ending. */

import { watch } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { KissError } from '../errors.js'
import { isSilent, type Leases } from './lease.js'
import { parseOrUndefined, unlessMissing } from '../store/files.js'
import type { Generation, Head } from './directory.js'
import type { Ending } from './ending.js'
import type { FlightState } from './state.js'
import { livenessOf } from '../store/process.js'

/** Milliseconds between two checks of a body whose directory is watched: some file systems lose events. */
const NET = 500
/** Milliseconds between two checks without a watch. */
const POLL = 50
/** Milliseconds: the minimum between two checks. */
const PAUSE = 4

export interface FollowOptions {
  readonly generation: Generation
  /** Receives the head, the size and the waiting state of the owner. */
  readonly state: FlightState
  readonly leases: Pick<Leases, 'monotonic' | 'silence'>
  readonly signal: AbortSignal
}

/**
 * Resolves with the ending, or with `lost` if the owner died or became silent and its download has to be continued. The ending
 * may be known before the last bytes: compare with `body.size`. Rejects when `signal` is aborted.
 */
export async function follow(options: FollowOptions): Promise<Ending | 'lost'> {
  const ended = await options.generation.openEnded()
  if (!ended) return 'lost'
  const bell = new Bell(options.generation.directory, options.signal)
  const view = new View(options, ended)
  try {
    for (;;) {
      options.signal.throwIfAborted()
      // The ending is read before the body: the bytes that it announces are in the file then.
      const ending = await readEnding(ended)
      if (!(await view.look(ending))) return { kind: 'changed' }
      if (ending) return ending
      if (bell.overdue && (await view.ownerIsLost())) return (await readEnding(ended)) ?? 'lost'
      await bell.next()
    }
  } finally {
    bell.close()
    await Promise.all([ended.close(), view.close()])
  }
}

async function readEnding(ended: FileHandle): Promise<Ending | undefined> {
  const buffer = Buffer.alloc(8192)
  const { bytesRead } = await ended.read(buffer, 0, buffer.length, 0)
  return bytesRead === 0 ? undefined : (parseOrUndefined(buffer.toString('utf8', 0, bytesRead)) as Ending | undefined)
}

class View {
  readonly #options: FollowOptions
  #head: Head | undefined
  #file: FileHandle | undefined
  /** The body in memory reads from this generation's file. */
  #attached = false

  constructor(
    options: FollowOptions,
    /** An open file of the generation: it distinguishes this generation from a later one with the same number. */
    private readonly ended: FileHandle,
  ) {
    this.#options = options
  }

  /** Reads the new state. False if the bytes of this file differ from those that readers have. */
  async look(ending: Ending | undefined): Promise<boolean> {
    const { body } = this.#options.state
    await this.#find()
    if (!this.#file) return true
    const { size } = await this.#file.stat()
    if (!this.#attached && size >= body.size) {
      if (!(await this.#attach())) return false
      this.#attached = true
    }
    const whole = ending?.kind === 'stored' || ending?.kind === 'whole' ? ending.size : undefined
    if (whole !== undefined && size < whole) throw new KissError('disk', 'the body of a finished download is truncated')
    if (this.#attached && this.#head) body.grow(size)
    return true
  }

  async #find(): Promise<void> {
    if (this.#head && this.#file) return
    const { generation, state } = this.#options
    const head = this.#head ?? (await generation.head())
    const file = this.#file ?? (await unlessMissing(open(generation.bodyPath, 'r')))
    const trouble = head ? undefined : await generation.trouble()
    if (!head && !file && trouble === undefined) return
    if (!(await generation.isOf(this.ended))) {
      if (file !== this.#file) await file?.close()
      return
    }
    this.#file = file
    if (head && !this.#head) state.learn((this.#head = head))
    if (trouble !== undefined) state.waiting.follow(trouble)
  }

  async #attach(): Promise<boolean> {
    const { generation, state } = this.#options
    const { body } = state
    // The owner renames the body when it is whole: the open descriptor still leads to it.
    const path = this.#file && process.platform === 'linux' ? `/proc/self/fd/${this.#file.fd}` : generation.bodyPath
    if (body.attached) return body.exchange(path)
    body.attach(path)
    return true
  }

  async ownerIsLost(): Promise<boolean> {
    const { generation, leases } = this.#options
    const held = await generation.owner(leases.monotonic())
    if (!held || !(await generation.isOf(this.ended))) return true
    return isSilent(held.silentFor, leases.silence) || (await livenessOf(held.owner)) === 'dead'
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}

/** Wakes its follower after a change in the directory, and periodically without one. */
class Bell {
  #rung = false
  #resume: (() => void) | undefined
  #lastNet = performance.now()
  #watched = true
  readonly #close: () => void

  constructor(directory: string, signal: AbortSignal) {
    const ring = (): void => {
      this.#rung = true
      this.#resume?.()
    }
    signal.addEventListener('abort', ring, { once: true })
    let stop = (): void => undefined
    try {
      const watcher = watch(directory, ring)
      watcher.on('error', () => {
        this.#watched = false
      })
      stop = () => watcher.close()
    } catch {
      // The system has no inotify watch left, or the directory was just removed: the follower polls.
      this.#watched = false
    }
    this.#close = () => {
      signal.removeEventListener('abort', ring)
      stop()
    }
  }

  /** Is the heartbeat of the owner to be checked? At most once in {@link NET}. */
  get overdue(): boolean {
    if (performance.now() - this.#lastNet < NET) return false
    this.#lastNet = performance.now()
    return true
  }

  async next(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, PAUSE))
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#watched ? NET : POLL)
        this.#resume = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#resume = undefined
    }
    this.#rung = false
  }

  close(): void {
    this.#close()
  }
}
