/** What became of the requests of a chaos run. */
import type { Verdict } from './reader.js'

export class Tally {
  /** Answers by what became of them. */
  readonly outcomes: Record<string, number> = {}
  readonly wrong: string[] = []
  readonly hangs: string[] = []
  /** Bytes. */
  delivered = 0
  /** Milliseconds: how long the oldest content that a reader got had been replaced at the origin. */
  oldest = 0

  note(verdict: Verdict): void {
    const name = verdict.kind === 'status' ? String(verdict.status) : verdict.kind
    this.outcomes[name] = (this.outcomes[name] ?? 0) + 1
    if (verdict.kind === 'wrong') this.wrong.push(verdict.why)
    if (verdict.kind === 'hang') this.hangs.push(verdict.why)
    if (verdict.kind !== 'right') return
    this.delivered += verdict.bytes
    this.oldest = Math.max(this.oldest, verdict.age)
  }
}
