/** The answer to a client that is not stored: its bytes go to one client in order, and to no disk. */

import { createHash } from 'node:crypto'
import type { Clock } from '../../clock.js'
import { asKissError, KissError } from '../../errors.js'
import { unreachable } from '../../flight/refusals.js'
import { countersOf } from '../../flight/sources.js'
import type { CacheStatus } from '../../http/cache-status.js'
import { keptFields } from '../../http/caching/fields.js'
import { storedHeaders } from '../../http/stored.js'
import type { Store } from '../../store/open.js'
import type { Sha256 } from '../../store/types.js'
import type { OriginAnswer } from '../../upstream/types.js'
import { accounts, mismatch } from '../artifacts.js'
import type { RequestState } from '../request-state.js'
import type { Artifact, Content } from '../types.js'
import type { Asked } from './asked.js'

export interface PassingAnswer {
  readonly state: RequestState
  readonly asked: Asked
  readonly length: number | undefined
}

export function passingAnswer(
  answer: OriginAnswer,
  { state, asked, length }: PassingAnswer,
  { store, clock }: { readonly store: Store; readonly clock: Clock },
): Artifact {
  const { subject, request } = state
  const { status, headers } = answer
  const bodiless = asked.method === 'HEAD' || status === 204 || status === 304
  const content = new PassingContent({
    answer,
    shown: subject.shown,
    length: bodiless && asked.method !== 'HEAD' ? 0 : length,
    promised: status === 200 && asked.method === 'GET' ? request.sha256 : undefined,
    onBytes: (bytes) => {
      for (const counter of countersOf(answer)) store.counters.add(counter, bytes)
    },
  })
  const cache: CacheStatus = { fwd: asked.method === 'HEAD' ? 'request' : 'uri-miss', fwdStatus: status }
  const isPrivate = asked.credentialed || asked.unstorable
  return {
    as: 'miss',
    url: subject.shown,
    headers: storedHeaders(headers, clock.now()),
    entry: undefined,
    private: isPrivate,
    detail: undefined,
    answer: { status, fields: keptFields(headers), cache, age: undefined },
    stored: false,
    content,
    progress: () => ({ received: content.received, length }),
    finished: () => Promise.resolve(undefined),
    path: (entry) => store.blobs.path(entry.sha256),
    ...accounts('miss', content, { url: subject.shown, private: isPrivate }, store),
  }
}

interface PassingOptions {
  readonly answer: OriginAnswer
  /** Displayable URL. */
  readonly shown: string
  /** Length of the body in bytes; undefined while unknown. */
  readonly length: number | undefined
  /** The sum that the client requires: the last chunk waits until the sum agrees. */
  readonly promised: Sha256 | undefined
  /** Body bytes that arrived. */
  readonly onBytes: (bytes: number) => void
}

/** A body whose bytes go to one client in order. */
class PassingContent implements Content {
  readonly complete = false
  readonly #o: PassingOptions
  readonly #chunks: AsyncGenerator<Buffer>
  #chunk: Buffer = Buffer.alloc(0)
  /** The offset of the chunk in the body. */
  #start = 0
  #sum: Sha256 | undefined

  constructor(options: PassingOptions) {
    this.#o = options
    this.#chunks = options.promised === undefined ? this.#arriving() : this.#promised(options.promised)
  }

  get length(): number | undefined {
    return this.#o.length
  }

  /** Bytes. */
  get received(): number {
    return this.#start + this.#chunk.length
  }

  get sha256(): Sha256 | undefined {
    return this.#sum
  }

  /** Reads forward only: bytes that were read are not kept. */
  async read(buffer: Uint8Array, position: number): Promise<number> {
    while (position >= this.#start + this.#chunk.length) {
      const next = await this.#chunks.next()
      if (next.done === true) return 0
      this.#start += this.#chunk.length
      this.#chunk = next.value
    }
    if (position < this.#start) throw new KissError('internal', 'a passing body was read backwards')
    return this.#chunk.copy(buffer, 0, position - this.#start)
  }

  close(): Promise<void> {
    return this.#o.answer.discard()
  }

  async *#arriving(): AsyncGenerator<Buffer> {
    const { answer, onBytes, shown, length } = this.#o
    let bytes = 0
    try {
      for await (const chunk of answer.body) {
        bytes += chunk.length
        onBytes(chunk.length)
        yield chunk
      }
    } catch (error) {
      throw error instanceof KissError ? error : unreachable(shown, error)
    }
    if (length !== undefined && bytes !== length)
      throw asKissError(new Error('the body was cut'), 'length-mismatch', `cannot fetch ${shown}`)
  }

  async *#promised(promised: Sha256): AsyncGenerator<Buffer> {
    const hash = createHash('sha256')
    let held: Buffer | undefined
    for await (const chunk of this.#arriving()) {
      hash.update(chunk)
      if (held) yield held
      held = chunk
    }
    const sum = hash.digest('hex')
    if (sum !== promised) throw mismatch(this.#o.shown, promised, sum)
    this.#sum = sum
    if (held) yield held
  }
}
