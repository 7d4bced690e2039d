/** What the origin of the chaos run serves: artifacts whose content changes, and who remembers every version of them. */
import { Random } from '../server/support/random.js'
import { bytes, sha256 } from '../support/bytes.js'

export interface Version {
  readonly number: number
  readonly body: Buffer
  readonly sha256: string
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  /** Milliseconds since the epoch: from when on, and until when, the origin served it. */
  readonly since: number
  until: number
}

/** How an origin speaks of its files. */
type Manner = 'strong' | 'chunked' | 'weak' | 'dated' | 'no ranges'
const manners: readonly Manner[] = [
  'strong',
  'strong',
  'strong',
  'strong',
  'strong',
  'chunked',
  'weak',
  'dated',
  'no ranges',
]

export class ChaosArtifact {
  readonly path: string
  readonly manner: Manner
  readonly versions: Version[] = []
  /** Lengths that the origin announced and did not send: until the body ends, nobody can know better. */
  readonly lies = new Set<number>()
  /** Milliseconds since the epoch: when the last purge that reached every node began, and when it had ended. */
  purged: { readonly from: number; readonly until: number } | undefined
  readonly #size: number

  constructor(
    readonly number: number,
    random: Random,
    /** Bytes; default: random. */
    size?: number,
  ) {
    this.path = `/artifact-${number}.bin`
    this.manner = manners[number % manners.length]!
    // Most are small, some are large, one is empty.
    this.#size = size !== undefined ? size : number === 7 ? 0 : Math.floor(2 ** (9 + random.next() * 11))
    this.change(random)
  }

  get current(): Version {
    return this.versions.at(-1)!
  }

  /** Another content: of equal length or not, and half of the time with the same beginning. */
  change(random: Random): void {
    const number = this.versions.length + 1
    const now = Date.now()
    const size = number === 1 || random.next() < 0.5 ? this.#size : Math.floor(this.#size * (0.5 + random.next()))
    let body = bytes(`${this.path} ${number}`, size)
    const before = this.versions.at(-1)
    if (before !== undefined && random.next() < 0.5) {
      const common = Math.floor(Math.min(size, before.body.length) * random.next())
      body = Buffer.concat([before.body.subarray(0, common), body.subarray(common)])
    }
    if (before !== undefined) before.until = now
    const weak = this.manner === 'weak'
    this.versions.push({
      number,
      body,
      sha256: sha256(body),
      etag: this.manner === 'dated' ? undefined : `${weak ? 'W/' : ''}"v${number}"`,
      // A second apart, since that is what the field can tell apart.
      lastModified: this.manner === 'dated' ? new Date(1e12 + number * 60_000).toUTCString() : undefined,
      since: now,
      until: Infinity,
    })
  }
}
