/** What the answers of S3 taught: regions of buckets, buckets that want a signature, clocks that differ. In memory, bounded. */

/** Enough for every bucket of a lab; a stranger who asks for more only makes kiss learn some again. */
const LIMIT = 1000

export class Memory {
  /** By {@link bucketName}. */
  readonly regions = new BoundedMap<string>()
  /** Since when the bucket is asked with a signature, in milliseconds since the epoch. */
  readonly signedSince = new BoundedMap<number>()
  /** By endpoint name: how many milliseconds its clock is ahead of ours. */
  readonly skews = new BoundedMap<number>()
}

class BoundedMap<T> {
  readonly #map = new Map<string, T>()

  get(key: string): T | undefined {
    return this.#map.get(key)
  }

  set(key: string, value: T): void {
    this.#map.delete(key)
    this.#map.set(key, value)
    const oldest = this.#map.keys().next()
    if (this.#map.size > LIMIT && oldest.done !== true) this.#map.delete(oldest.value)
  }
}
