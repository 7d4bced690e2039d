/** How many bytes the origin had to send to a cluster, by what its nodes and the run wrote down (witness.ts). */

/** Beside what the nodes write: a node goes and comes back, Redis goes, comes back, and has lost all that it knew. */
type Line = readonly [kind: string, bytes: number | string, sha256?: string, node?: string]

export class Necessity {
  readonly necessary: number
  /** Bytes by what happened to them. */
  readonly witnessed: Readonly<Record<string, number>>

  /** @param log lines of JSON, in their order */
  constructor(log: string) {
    const witnessed: Record<string, number> = {}
    /** Nodes that have a body, as far as Redis can know. */
    const known = new Map<string, Set<string>>()
    const down = new Set<string>()
    let isLost = false
    const count = (kind: string, bytes: number): void => {
      witnessed[kind] = (witnessed[kind] ?? 0) + bytes
    }
    for (const line of log.split('\n').filter((text) => text !== '')) {
      const [kind, what, sha256 = '', node = ''] = JSON.parse(line) as Line
      if (kind === 'down') down.add(String(what))
      else if (kind === 'up') down.delete(String(what))
      else if (kind === 'redis lost') isLost = true
      else if (kind.startsWith('redis ')) {
        isLost = false
        if (kind === 'redis empty') known.clear()
      } else if (kind === 'gone') known.get(sha256)?.delete(node)
      else if (kind === 'stored' || kind === 'stored filled') {
        const at = known.get(sha256) ?? new Set()
        known.set(sha256, at)
        const isElsewhere = !isLost && [...at].some((other) => other !== node && !down.has(other))
        const isFilled = !isLost && kind === 'stored filled'
        count(isFilled ? kind : isElsewhere ? 'stored elsewhere' : 'stored', Number(what))
        if (!isLost) at.add(node)
      } else if (kind !== 'told') count(kind, Number(what))
    }
    const { stored = 0, changed = 0, purged = 0, abandoned = 0 } = witnessed
    this.necessary = stored + changed + purged + abandoned
    this.witnessed = witnessed
  }
}
