/** What the sources of the network share: the ways out, and how an answer becomes the engine's. */
import type { Received } from './answer.js'
import type { Network } from './network.js'
import type { OriginAnswer, OriginRequest, OwnServer, Turn } from './types.js'

export interface Ways {
  /** Under the address guard. */
  readonly guarded: Network
  /** For addresses that the operator chose: only the deny list holds. */
  readonly trusted: Network
  readonly self: OwnServer | undefined
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** The answer under the cap, the timeouts and the turn of its request; an answer without a body needs no turn any more. */
  finish(received: Received, request: OriginRequest, turn: Turn): OriginAnswer
}
