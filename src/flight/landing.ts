/** The body of a generation on disk: it reserves the space, writes the bytes and shows readers the bytes they may read. */

import { asKissError } from '../errors.js'
import { allDone } from '../waits.js'
import { withRoom } from '../store/slack.js'
import type { Space } from '../store/types.js'
import type { Generation, Head } from './directory.js'
import { changedError } from './ending.js'
import type { FlightState } from './state.js'
import { BodyWriter } from './writer.js'

/** The place where the bytes of a download land: a file for any number of readers ({@link Landing}), or one reader (stream.ts). */
export interface LandingPlace {
  readonly writer: Pick<BodyWriter, 'size' | 'append' | 'holds' | 'digest' | 'flush'>
  readonly head: Head | undefined
  learn(head: Head): Promise<void>
  show(size: number): void
}

export interface LandingOptions {
  readonly generation: Generation
  readonly state: FlightState
  readonly space: Space
  /** The id of the reservation. */
  readonly reservation: string
  /** The head that belongs to the bytes on disk. */
  readonly head: Head | undefined
  /** Readers of this process have bytes of another content. */
  readonly onOther: () => void
}

export class Landing implements LandingPlace {
  readonly #o: LandingOptions
  readonly #space: BodySpace
  #writer: BodyWriter | undefined
  #head: Head | undefined
  /** Readers have bytes of another file, to which its owner may still append. */
  #exchanging: boolean
  #exchange: Promise<void> | undefined
  #shown = 0
  #noted: Promise<void> = Promise.resolve()

  private constructor(options: LandingOptions) {
    this.#o = options
    this.#head = options.head
    this.#exchanging = options.state.body.attached
    this.#space = new BodySpace(options.space, options.reservation)
  }

  /** Opens or creates the body; the caller closes. */
  static async open(options: LandingOptions): Promise<Landing> {
    const { generation, state, space } = options
    const landing = new Landing(options)
    landing.#writer = await BodyWriter.open({
      path: generation.bodyPath,
      mode: generation.modes.file,
      onGrow: (size) => landing.show(size),
      reserve: (size) => landing.#space.grow(size),
      makeRoom: (bytes) => space.relieve(bytes),
    })
    state.waiting.onChange = () => {
      const wait = state.waiting.now
      // Without the file, readers in other processes wait without a reason.
      landing.#noted = landing.#noted.then(() => generation.setTrouble(wait)).catch(() => undefined)
    }
    try {
      if (!state.body.attached) state.body.attach(generation.bodyPath)
      return landing
    } catch (error) {
      await landing.close()
      throw error
    }
  }

  get writer(): BodyWriter {
    if (!this.#writer) throw new Error('the landing is not open')
    return this.#writer
  }

  /** The head that belongs to the bytes on disk. */
  get head(): Head | undefined {
    return this.#head
  }

  /** Shows readers the head: the origin confirmed the bytes, or the body begins. */
  async learn(head: Head): Promise<void> {
    const { generation, state, space } = this.#o
    this.#head = head
    await withRoom(space, () => {
      const begun = this.#space.begin(head.length, this.writer.size)
      return allDone([begun, generation.setHead(head, begun)])
    })
    // An answer with the same head may bring other bytes than those of a silent owner, which readers have.
    state.confirmed ||= this.writer.size >= state.body.size
    state.learn(head)
  }

  /** `size` bytes of this content are on disk. */
  show(size: number): void {
    const { body } = this.#o.state
    this.#shown = Math.max(this.#shown, size)
    if (!this.#exchanging) return body.grow(this.#shown)
    if (this.#shown < body.size) return
    this.#exchange ??= this.#goOver()
  }

  /** Compares the bytes that readers have with this file, and lets them continue in it. */
  async #goOver(): Promise<void> {
    const { generation, state, onOther } = this.#o
    try {
      if (await state.body.exchange(generation.bodyPath)) state.confirmed = true
      else {
        onOther()
        state.body.fail(changedError(state.shown))
      }
    } catch (error) {
      state.body.fail(asKissError(error, 'disk', 'cannot read the downloaded bytes'))
    }
    this.#exchanging = false
    state.body.grow(this.#shown)
  }

  /** Every byte has arrived; the ending is not written yet. */
  async whole(): Promise<void> {
    this.show(this.writer.size)
    await this.#exchange
    this.#o.state.body.grow(this.writer.size)
    await this.writer.end()
  }

  async close(): Promise<void> {
    this.#o.state.waiting.onChange = () => undefined
    // The directory is removed next: nothing may be written into it.
    await this.#noted
    await this.#writer?.close()
  }
}

/** Bytes granted ahead of what has arrived (rule 7 of the cache). */
const STEP = 16 * 1024 * 1024
/** The share of the quota that one step may take. */
const SHARE = 1 / 16
/**
 * Milliseconds after which a reservation is renewed before its step is used up, so that the promise of the rest does not lapse …
 */
const RENEWAL = 1_000
/** … if at least this many bytes arrived since: a slower origin does not hold space that other downloads need. */
const PROGRESS = 64 * 1024

class BodySpace {
  #length: number | undefined
  /** Bytes, as of the last reservation: the statement that reserves compares with the present one. */
  #quota: number | undefined
  #granted = 0
  /** The time and the size of the last renewal; monotonic milliseconds. */
  #renewed = { at: 0, size: 0 }

  constructor(
    private readonly space: Space,
    private readonly id: string,
  ) {}

  /** @param held bytes that are on disk already. Nothing is evicted before a byte arrives. @throws KissError `quota` or `disk` */
  async begin(length: number | undefined, held: number): Promise<void> {
    this.#length = length
    await this.#reserve(Math.max(held, this.#granted), held)
  }

  /** Called before the body grows to `size` bytes. */
  async grow(size: number): Promise<void> {
    if (size <= this.#granted && !this.#isDue(size)) return
    const step = Math.min(STEP, Math.ceil((this.#quota ?? Infinity) * SHARE))
    const ahead = Math.min(size + step, Math.max(size, this.#length ?? Infinity))
    await this.#reserve(Math.max(ahead, this.#granted), this.#granted)
    this.#renewed = { at: performance.now(), size }
  }

  /** Nothing is promised beyond the granted bytes of a body that is smaller than a step: a download of 1 MiB made three renewals. */
  #isDue(size: number): boolean {
    if (this.#granted >= (this.#length ?? 0) || size - this.#renewed.size < PROGRESS) return false
    return performance.now() - this.#renewed.at > RENEWAL
  }

  /** @param written bytes that need no more room on the disk */
  async #reserve(ahead: number, written: number): Promise<void> {
    this.#quota = await this.space.reserve(this.id, Math.max(ahead, this.#length ?? 0), { ahead, held: written })
    this.#granted = ahead
  }
}
