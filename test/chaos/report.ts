/** What a chaos run found, and what of it may not be. */

export interface ChaosReport {
  readonly requests: number
  /** Answers by what became of them. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly wrong: readonly string[]
  readonly hangs: readonly string[]
  readonly faults: Readonly<Record<string, number>>
  readonly kills: Readonly<Record<'workers' | 'servers', number>>
  /** Processes that stood still for a while, and those of them that did so for longer than an owner may be silent. */
  readonly freezes: Readonly<Record<'short' | 'long', number>>
  /** How often the wall clock was set, ahead or back. */
  readonly steps: number
  /** How many of the requests were a `kiss fetch`. */
  readonly commands: number
  readonly purges: number
  readonly changes: number
  readonly bytes: {
    /** To readers. */
    readonly delivered: number
    /** From the origin. */
    readonly origin: number
    /**
     * Of blobs that came to be where there was none (never, or evicted, purged, replaced), and of unfinished bodies that a
     * change or a purge made worthless, or that were evicted when their owner had been killed.
     */
    readonly necessary: number
    readonly witnessed: Readonly<Record<string, number>>
  }
  /** Milliseconds: how long the oldest content that a reader got had been replaced at the origin. */
  readonly oldest: number
  readonly quota: number
  /** Most open descriptors of a worker, when all is over. */
  readonly descriptors: number
  readonly exits: readonly (number | null)[]
  /** What `kiss verify` finds the first time, and the second. */
  readonly verified: readonly { damaged: string[]; orphans: string[]; dangling: string[] }[]
  readonly reserved: number
  readonly seconds: number
}

type Judged = Pick<ChaosReport, 'wrong' | 'hangs' | 'bytes' | 'exits' | 'verified' | 'descriptors'>

export interface ClusterReport extends Pick<
  ChaosReport,
  'requests' | 'outcomes' | 'wrong' | 'hangs' | 'faults' | 'purges' | 'changes' | 'oldest' | 'descriptors' | 'seconds'
> {
  readonly troubles: Readonly<Record<string, number>>
  /** As in a run on one machine; a body is necessary where no node that could be asked had it. */
  readonly bytes: ChaosReport['bytes']
  /** That are held when all is over. */
  readonly leases: number
  readonly nodes: readonly Pick<ChaosReport, 'exits' | 'verified'>[]
}

export function clusterComplaints(report: ClusterReport, { ratio = 1.25 } = {}): string[] {
  const exits = report.nodes.flatMap((node) => node.exits)
  const verified = [0, 1].map((i) => {
    const each = report.nodes.map((node) => node.verified[i])
    const all = (kind: 'damaged' | 'orphans' | 'dangling'): string[] =>
      each.flatMap((found) => found?.[kind] ?? ['not verified'])
    return { damaged: all('damaged'), orphans: all('orphans'), dangling: all('dangling') }
  })
  const left = report.leases === 0 ? [] : [`${report.leases} leases are held when all is over`]
  return [...complaints({ ...report, exits, verified }, { ratio }), ...left]
}

/**
 * What has to hold; each line is a complaint. `ratio`: origin bytes per necessary byte; a short run on a busy machine loses
 * more to each kill than a long one.
 */
export function complaints(report: Judged, { ratio = 1.2 } = {}): string[] {
  const { bytes, verified, exits } = report
  return [
    ...report.wrong.map((why) => `wrong: ${why}`),
    ...report.hangs.map((why) => `hang: ${why}`),
    ...(bytes.origin < ratio * bytes.necessary
      ? []
      : [`${bytes.origin} origin bytes, ${bytes.necessary} were necessary`]),
    ...(exits.every((code) => code === 0) ? [] : [`exit codes ${exits.join()}`]),
    ...verified.flatMap(({ damaged }) => damaged).map((blob) => `damaged: ${blob}`),
    ...(['orphans', 'dangling'] as const)
      .flatMap((kind) => verified.at(-1)?.[kind] ?? ['not verified'])
      .map((what) => `left after a verify: ${what}`),
    ...(report.descriptors < 60 ? [] : [`${report.descriptors} descriptors are open when all is over`]),
  ]
}
