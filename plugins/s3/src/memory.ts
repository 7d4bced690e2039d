/** What the answers of S3 taught: regions of buckets, buckets that want a signature, clocks that differ. In memory, bounded. */

import { isAwsRegion, partitionOf } from './aws-hosts.js'
import { endpointName, type S3Object } from './object.js'
import { isRegion } from './object-url.js'

/** Enough for every bucket of a lab; requests for more buckets only make kiss learn some again. */
const LIMIT = 1000

/** Milliseconds after the first refusal in which more may come of requests that had been sent without a signature. */
const IN_FLIGHT = 60_000

export class Memory {
  readonly #now: () => number
  readonly #regions = new BoundedMap<string>()
  /** Milliseconds since the epoch. */
  readonly #refusedSince = new BoundedMap<number>()
  /** Requests that went out without a signature and have not been refused, as far as we know. */
  readonly #unsigned = new BoundedMap<number>()
  readonly #skews = new BoundedMap<number>()

  /** @param now milliseconds since the epoch, by our own clock */
  constructor(now: () => number) {
    this.#now = now
  }

  region(object: S3Object): string | undefined {
    return this.#regions.get(bucketName(object))
  }

  /** False when nothing was learned: no region, or none that may become part of a host name. */
  learnRegion(object: S3Object, region: string | undefined): boolean {
    const { endpoint } = object
    if (region === undefined || !isRegion(region)) return false
    if (endpoint.kind === 'aws' && !(isAwsRegion(region) && partitionOf(region) === endpoint.partition)) return false
    this.#regions.set(bucketName(object), region)
    return true
  }

  /** Milliseconds since the epoch, by the clock of the object's S3. */
  theirTime({ endpoint }: S3Object): number {
    return this.#now() + (this.#skews.get(endpointName(endpoint)) ?? 0)
  }

  /** @param date the answer's field of that name */
  learnTime({ endpoint }: S3Object, date: string | undefined): boolean {
    const theirs = Date.parse(date ?? '')
    if (Number.isNaN(theirs)) return false
    this.#skews.set(endpointName(endpoint), theirs - this.#now())
    return true
  }

  /** Did S3 refuse an unsigned request for an object of this bucket? */
  isRefused(object: S3Object): boolean {
    return this.#refusedSince.get(bucketName(object)) !== undefined
  }

  /** A request about the object goes out without a signature. */
  noteUnsigned(object: S3Object): void {
    const name = bucketName(object)
    this.#unsigned.set(name, (this.#unsigned.get(name) ?? 0) + 1)
  }

  /** Remembers a refusal. False when it cannot have been of a request without a signature: there was none, or it ended a while ago. */
  learnRefusal(object: S3Object): boolean {
    const name = bucketName(object)
    const unsigned = this.#unsigned.get(name) ?? 0
    if (unsigned === 0) return false
    this.#unsigned.set(name, unsigned - 1)
    const since = this.#refusedSince.get(name)
    if (since === undefined) this.#refusedSince.set(name, this.#now())
    return since === undefined || this.#now() - since < IN_FLIGHT
  }
}

function bucketName({ endpoint, bucket }: S3Object): string {
  return `${endpointName(endpoint)}/${bucket}`
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
