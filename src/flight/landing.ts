/** Where the bytes of a download land: the body of its generation, the room for it, and what readers may see of both. */

import { asKissError } from '../errors.js'
import { withRoom } from '../store/room.js'
import type { Space } from '../store/types.js'
import type { Generation, Head } from './directory.js'
import { changedError } from './ending.js'
import { BodySpace } from './body-space.js'
import type { FlightState } from './state.js'
import { BodyWriter } from './writer.js'

export interface LandingOptions {
  readonly generation: Generation
  readonly state: FlightState
  readonly space: Space
  /** Names the room that is reserved. */
  readonly reservation: string
  /** What is known of the bytes that are there already. */
  readonly head: Head | undefined
  /** Readers here have bytes of another content. */
  readonly onOther: () => void
}

export class Landing {
  readonly #o: LandingOptions
  readonly #space: BodySpace
  #writer: BodyWriter | undefined
  #head: Head | undefined
  /** Readers have bytes of another file, whose owner may still be appending to it. */
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

  /** Opens the body, or makes it; the caller closes. */
  static async open(options: LandingOptions): Promise<Landing> {
    const { generation, state, space } = options
    const landing = new Landing(options)
    landing.#writer = await BodyWriter.open({
      path: generation.bodyPath,
      mode: generation.modes.file,
      onGrow: (size) => landing.show(size),
      reserve: (size) => landing.#space.grow(size),
      makeRoom: async (bytes) => (await space.evict(bytes)) > 0,
    })
    state.waiting.onChange = () => {
      const wait = state.waiting.now
      // Readers in other processes wait without these words, too.
      landing.#noted = landing.#noted.then(() => generation.setTrouble(wait)).catch(() => undefined)
    }
    try {
      if (!state.body.attached) await state.body.attach(generation.bodyPath)
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

  /** What is known of the bytes here. */
  get head(): Head | undefined {
    return this.#head
  }

  /** The origin confirmed the bytes here, or began anew: readers may know the head. */
  async learn(head: Head): Promise<void> {
    const { generation, state, space } = this.#o
    this.#head = head
    await withRoom(space, async () => {
      await this.#space.begin(head.length, this.writer.size)
      await generation.setHead(head)
    })
    state.confirmed = true
    state.learn(head)
  }

  /** This many bytes are here, and of this content. */
  show(size: number): void {
    const { body } = this.#o.state
    this.#shown = Math.max(this.#shown, size)
    if (!this.#exchanging) return body.grow(this.#shown)
    if (this.#shown < body.size) return
    this.#exchange ??= this.#goOver()
  }

  /** Compares what readers have with the file here, and lets them read on in it. */
  async #goOver(): Promise<void> {
    const { generation, state, onOther } = this.#o
    try {
      if (!(await state.body.exchange(generation.bodyPath))) {
        onOther()
        state.body.fail(changedError(state.shown))
      }
    } catch (error) {
      state.body.fail(asKissError(error, 'disk', 'cannot read what was downloaded'))
    }
    this.#exchanging = false
    state.body.grow(this.#shown)
  }

  /** Every byte has arrived; the ending is still to be told. */
  async whole(): Promise<void> {
    this.show(this.writer.size)
    await this.#exchange
    this.#o.state.body.grow(this.writer.size)
    await this.writer.close()
  }

  async close(): Promise<void> {
    this.#o.state.waiting.onChange = () => undefined
    // Nothing may be written where the directory is removed next.
    await this.#noted
    await this.#writer?.close()
  }
}
