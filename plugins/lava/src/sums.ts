/** The sums that a job promises of its downloads: of the bytes as they are downloaded, before any decompression. */
import { createHash } from 'node:crypto'
import { KissError } from 'kiss-cache/plugin'
import { isScalar, type Node } from 'yaml'
import { stringOf, truthOf, type View } from './pyyaml.js'

const algorithms = ['sha256', 'sha512', 'md5'] as const
export type Algorithm = (typeof algorithms)[number]

/** As the job writes them. */
export type Sums = Partial<Readonly<Record<Algorithm, string>>>

/** `sha256sum`, `sha512sum` and `md5sum` of an artifact. */
export function sumsOf(view: View, artifact: Node): Sums {
  const found: Partial<Record<Algorithm, string>> = {}
  for (const algorithm of algorithms) {
    const node = view.resolve(view.get(artifact, `${algorithm}sum`))
    if (!isScalar(node)) continue
    // What is null in Python is not checked; a number never equals a sum, but it is shown as what it should have been.
    const text = stringOf(node) ?? (truthOf(node) ? String(node.value) : undefined)
    if (text !== undefined) found[algorithm] = text
  }
  return found
}

/** Hashes the passing bytes, for sums that kiss does not compute elsewhere. */
export class SumCheck {
  readonly #promised: Sums
  readonly #hashes
  bytes = 0

  constructor(promised: Sums) {
    this.#promised = promised
    const needed = algorithms.filter((algorithm) => algorithm !== 'sha256' && promised[algorithm] !== undefined)
    this.#hashes = new Map(needed.map((algorithm) => [algorithm, createHash(algorithm)]))
  }

  /** Only the SHA-256 is promised, which the cache knows: the bytes need not be read. */
  get needsBytes(): boolean {
    return this.#hashes.size > 0
  }

  update(chunk: Uint8Array): void {
    this.bytes += chunk.length
    for (const hash of this.#hashes.values()) hash.update(chunk)
  }

  /** @param what displayable @throws KissError `digest-mismatch` */
  verify(what: string, sha256: string | undefined): void {
    const actual = new Map<Algorithm, string | undefined>([['sha256', sha256]])
    for (const [algorithm, hash] of this.#hashes) actual.set(algorithm, hash.digest('hex'))
    for (const algorithm of algorithms) {
      const [is, promised] = [actual.get(algorithm), this.#promised[algorithm]]
      if (is === undefined || promised === undefined || is === promised) continue
      const cased = is === promised.toLowerCase()
      throw new KissError('digest-mismatch', `${what} has the ${algorithm}sum ${is}, not ${promised}`, {
        ...(cased ? { hint: 'LAVA takes lower case only' } : {}),
      })
    }
  }
}
