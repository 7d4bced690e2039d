/** Why a URL of a job was left as it is, in words. */

interface Reason {
  /** Something the writer of the job should know; the rest is as the job or the caller wanted it. */
  readonly warning: boolean
  /** Stands between the place and `; left as it is`. */
  readonly says: (detail: string) => string
}

const reasons = {
  placeholder: { warning: true, says: (text) => `has a placeholder ${text}` },
  shared: {
    warning: true,
    says: (line) => `shares the text of line ${line} with a place that must stay, through an anchor`,
  },
  'several-lines': { warning: true, says: () => 'is written over several lines' },
  escapes: { warning: true, says: () => 'is written in a way that could not be taken back exactly' },
  'not-text': { warning: true, says: () => 'is not a text' },
  'not-a-url': { warning: true, says: () => 'is no URL that LAVA could fetch' },
  'not-ours': { warning: true, says: () => 'was not written by kiss lava rewrite' },
  'unknown-method': { warning: true, says: (method) => `is ${method}, a method that kiss does not know` },
  'qemu-images': {
    warning: true,
    says: () => 'is downloaded on QEMU devices only, and the job does not say that it is for one',
  },
  'unknown-action': { warning: true, says: () => 'is an action that LAVA does not know' },
  'no-actions': { warning: true, says: () => 'has no list of actions: no LAVA job' },
  scheme: { warning: false, says: (scheme) => `is not fetched over http but by ${scheme}` },
  'use-cache': { warning: false, says: () => 'has a false use_cache' },
  server: { warning: false, says: () => 'comes through this server already' },
  'not-on-server': { warning: false, says: () => 'does not come through this server' },
  include: { warning: false, says: () => 'matches no --include' },
  exclude: { warning: false, says: () => 'matches an --exclude' },
} as const satisfies Record<string, Reason>

export type ReasonCode = keyof typeof reasons

/** One place that was left as it is. */
export interface Left {
  readonly line: number
  /** As a reader of the job would say it: `kernel.url`. */
  readonly place: string
  /** From the document's root: `actions[0].deploy.kernel.url`. */
  readonly path: string
  readonly reason: ReasonCode
  readonly detail: string
}

export function isWarning(left: Left): boolean {
  return reasons[left.reason].warning
}

/** `kernel.url has a placeholder {ROOTFS}; left as it is` */
export function sentence({ place, reason, detail }: Left): string {
  return `${place} ${(reasons[reason] as Reason).says(detail)}; left as it is`
}
