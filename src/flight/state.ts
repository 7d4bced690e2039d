/** What is known of a flight: the downloader or the follower writes it; readers, the bar and the pages read it. */

import type { Access, Entry, Sha256 } from '../store/types.js'
import { GrowingBody } from './body.js'
import type { Head, Lending } from './directory.js'
import { changedError, errorOf, type Ending } from './ending.js'
import { unequal } from './resume.js'
import { Waiting } from './waiting.js'

export class FlightState {
  /** The bytes that have arrived. */
  readonly body = new GrowingBody()
  /** Why there is no byte at the moment. */
  readonly waiting = new Waiting()
  /** This process downloads; otherwise it follows one that does. */
  leading = false
  /** The origin gave this very order its bytes, or confirmed those that a predecessor left: its credential is right. */
  confirmed = false
  /** A hash of the credential that another process downloads with: clients with the same one share its right. */
  holder: string | undefined
  /** The sum of the whole body, as soon as every byte is there; storing it may take a moment longer. */
  sum: Sha256 | undefined
  /** What the index has of it, once it is stored. */
  entry: Entry | undefined
  /** Connections that bring ranges in parallel; 0: there is one connection, or none. */
  connections = 0
  /** In a cluster: the lease under which other nodes may have the bytes. */
  lent: Lending | undefined
  /** Readers of this process. */
  readers = 0
  /** Resolves when it is known which process downloads, and so with whose credential. */
  readonly placed: Promise<void>
  /** Resolves when the head is known, or the ending, whichever is first. */
  readonly decided: Promise<void>
  readonly ended: Promise<Ending>
  #place: () => void = () => undefined
  #decide: () => void = () => undefined
  #finish: (ending: Ending) => void = () => undefined
  #head: Head | undefined
  #ending: Ending | undefined

  constructor(
    /** Displayable URL. */
    readonly shown: string,
    /** Whose credential brings the bytes, perhaps in another process. */
    public access: Access,
  ) {
    this.placed = new Promise((resolve) => (this.#place = resolve))
    this.decided = new Promise((resolve) => (this.#decide = resolve))
    this.ended = new Promise((resolve) => (this.#finish = resolve))
  }

  /** `access` and `leading` say who downloads. */
  place(): void {
    this.#place()
  }

  get head(): Head | undefined {
    return this.#head
  }

  get ending(): Ending | undefined {
    return this.#ending
  }

  /** Throws `content-changed` where another content has taken the place of the one that readers were told of. */
  learn(head: Head): void {
    if (!agrees(this.#head, head)) throw changedError(this.shown)
    this.#head = head
    this.body.expect(head.length)
    this.waiting.arrived()
    this.#decide()
  }

  end(ending: Ending): void {
    this.#ending = ending
    if (ending.kind === 'stored' || ending.kind === 'whole') this.sum = ending.sha256
    const error = errorOf(ending, this.shown)
    if (error) this.body.fail(error)
    else this.body.finish()
    this.#place()
    this.#decide()
    this.#finish(ending)
    void this.body.close()
  }
}

/** Is this the head of what readers were told of already? */
export function agrees(known: Head | undefined, { headers, length }: Pick<Head, 'headers' | 'length'>): boolean {
  return !known || !(unequal(known.length, length) || unequal(known.headers.etag, headers.etag))
}
