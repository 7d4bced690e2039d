/** A kiss server answered that it has no artifact for now. Another server may have it, or the same one later. */
import type { KissError } from '../errors.js'

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
