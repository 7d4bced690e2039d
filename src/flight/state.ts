/** The state of a flight. The downloader or the follower writes it; readers, the progress bar and the pages read it. */

import type { Access, Entry, Sha256 } from '../store/types.js'
import { GrowingBody } from './body.js'
import type { Head, Loan } from './directory.js'
import { changedError, errorOf, type Ending } from './ending.js'
import { unequal } from './resume.js'
import { Waiting } from './waiting.js'

export class FlightState {
  /** The bytes that have arrived. */
  readonly body = new GrowingBody()
  /** The reason why no byte arrives. */
  readonly waiting = new Waiting()
  /** This process downloads; otherwise it follows the process that does. */
  leading = false
  /** The origin accepted the credential of this order: it sent the bytes, or confirmed those of a predecessor. */
  confirmed = false
  /** A hash of the credential of the process that downloads: clients with the same credential share its right. */
  holder: string | undefined
  /** The sum of the whole body, once every byte has arrived; the body may not be stored yet. */
  sum: Sha256 | undefined
  /** The entry, once the body is stored. */
  entry: Entry | undefined
  /** Called with the new number of connections. */
  onConnections: (connections: number) => void = () => undefined
  #connections = 0
  /** In a cluster: the lease under which other nodes may read the bytes. */
  loan: Loan | undefined
  /** Readers of this process. */
  readers = 0
  /** Resolves when it is known which process downloads, and therefore which credential it uses. */
  readonly placed: Promise<void>
  /** Resolves when the head or the ending is known. */
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
    /** The access of the credential that brings the bytes, perhaps in another process. */
    public access: Access,
  ) {
    this.placed = new Promise((resolve) => (this.#place = resolve))
    this.decided = new Promise((resolve) => (this.#decide = resolve))
    this.ended = new Promise((resolve) => (this.#finish = resolve))
  }

  /** Sets `access` and `leading` when it is known which process downloads. */
  place(): void {
    this.#place()
  }

  /** Connections that bring ranges in parallel; 0 for one connection or none. */
  get connections(): number {
    return this.#connections
  }

  set connections(connections: number) {
    if (connections === this.#connections) return
    this.#connections = connections
    this.onConnections(connections)
  }

  get head(): Head | undefined {
    return this.#head
  }

  get ending(): Ending | undefined {
    return this.#ending
  }

  /** Throws `content-changed` if readers have the head of another content. */
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

/** Does this head agree with the one that readers have? */
export function agrees(known: Head | undefined, { headers, length }: Pick<Head, 'headers' | 'length'>): boolean {
  return !known || !(unequal(known.length, length) || unequal(known.headers.etag, headers.etag))
}
