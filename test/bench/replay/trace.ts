/**
 * A day in a lab, to scale: builds, the boards that test them, and what each board downloads. Pure: the same seed gives the
 * same trace.
 */

export interface Artifact {
  readonly name: string
  /** Bytes. */
  readonly length: number
}

export interface Board {
  /** Seconds since the start of the trace. */
  readonly at: number
  /** Downloaded one after the other. */
  readonly artifacts: readonly Artifact[]
}

/** A moving name gets other content. */
export interface Change {
  readonly at: number
  readonly name: string
}

export interface Trace {
  /** In order of time. */
  readonly boards: readonly Board[]
  readonly changes: readonly Change[]
  readonly seconds: number
  /** Bytes that the boards download. */
  readonly served: number
  /** Bytes of every artifact and every version that a board asks for, once: what an ideal cache downloads. */
  readonly distinct: number
}

export interface TraceOptions {
  readonly seed: number
  readonly builds: number
  readonly seconds: number
  /** Multiplies the sizes of real artifacts. */
  readonly scale: number
}

const MiB = 1024 * 1024

/** Sizes of a build for arm64 and of the root filesystems that all builds share. */
const SIZES = { kernel: 22 * MiB, modules: 48 * MiB, dtb: 0.06 * MiB, small: 60 * MiB, large: 320 * MiB }
/** One name in six belongs to a branch, whose content changes. */
const MOVING_EVERY = 6
/** Shares of the kernels whose first download the origin refuses, or cuts. */
const [BUSY, CUT] = [0.04, 0.04]
/** Exponent of the reuse of a build. Near 1, few builds have most of the boards. */
const TAIL = 1.2
const FEWEST_BOARDS = 8
const MOST_BOARDS = 300

export function traceOf({ seed, builds, seconds, scale }: TraceOptions): Trace {
  const random = generator(seed)
  const sized = (name: string, bytes: number): Artifact => ({ name, length: Math.max(1, Math.round(bytes * scale)) })
  const roots = Array.from({ length: 6 }, (_, n) => sized(`rootfs-${n}`, n < 4 ? SIZES.small : SIZES.large))
  const boards: Board[] = []
  const changes: Change[] = []
  for (let build = 0; build < builds; build++) {
    const moving = build % MOVING_EVERY === 0
    const luck = random()
    const kind = moving ? 'moving' : luck < BUSY ? 'busy' : luck < BUSY + CUT ? 'cut' : 'build'
    // The builds of a branch share one name.
    const name = moving ? `moving-${build % (3 * MOVING_EVERY)}` : `${kind}-${build}`
    const at = random() * seconds
    if (moving) changes.push({ at, name: `${name}-kernel` })
    const own = [sized(`${name}-kernel`, SIZES.kernel)]
    const fixed = `build-${build}`
    own.push(sized(`${fixed}-modules`, SIZES.modules), sized(`${fixed}-dtb`, SIZES.dtb))
    // Small root filesystems are asked for more often.
    const root = roots[Math.floor(random() ** 2 * roots.length)]!
    const count = Math.min(MOST_BOARDS, Math.floor(FEWEST_BOARDS * (1 - random()) ** (-1 / TAIL)))
    for (let board = 0; board < count; board++) {
      // All boards of a build ask within a second; one in ten runs again later.
      boards.push({ at: at + random(), artifacts: [...own, root] })
      if (random() < 0.1) boards.push({ at: at + 2 + random() * seconds * 0.1, artifacts: [...own, root] })
    }
  }
  boards.sort((a, b) => a.at - b.at)
  changes.sort((a, b) => a.at - b.at)
  return { boards, changes, seconds, ...sums(boards, changes) }
}

function sums(boards: readonly Board[], changes: readonly Change[]): { served: number; distinct: number } {
  const seen = new Set<string>()
  let [served, distinct] = [0, 0]
  for (const { at, artifacts } of boards) {
    for (const { name, length } of artifacts) {
      served += length
      const version = changes.filter((change) => change.name === name && change.at <= at).length
      const key = `${name} ${version}`
      if (!seen.has(key)) distinct += length
      seen.add(key)
    }
  }
  return { served, distinct }
}

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
