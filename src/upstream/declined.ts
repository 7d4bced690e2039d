/** Failures of a kiss server that another server, or a later request, may mend. */
import type { KissError } from '../errors.js'

/** The server answered that it has no artifact for now. */
export class Declined extends Error {
  /** The problem document of the server as an error. */
  readonly problem: KissError

  constructor(message: string, problem: KissError) {
    super(message)
    this.problem = problem
  }

  /** The server works: its queue is full, or it drains before a restart. */
  get isPassing(): boolean {
    return this.problem.code === 'busy' || this.problem.code === 'draining'
  }
}

/** There was no connection, no answer or no byte of the body in time. The cause is the network's own error. */
export class NoAnswer extends Error {
  /** Displayable. */
  readonly sender: string

  constructor(sender: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.sender = sender
  }
}
