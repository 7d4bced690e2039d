/** The request for an object: credentials, region and signature; and the lessons of a refusal. */

import type { Classification, HttpClient, UpstreamFailure, UpstreamRequest } from 'kiss-cache/plugin'
import { configReader, sharedFiles, type Env } from './aws-config.js'
import { CredentialSource, type Credentials } from './credentials.js'
import { isExpired, isSkewed, isWrongRegion, namedRegion } from './failure.js'
import { Memory } from './memory.js'
import { bucketUrl, canonicalUrl, requestUrl, sameEndpoint, type Route } from './object.js'
import { Places, type Found, type Place } from './places.js'
import type { Settings } from './settings.js'
import { signedHeaders, type Signing } from './sign.js'

export interface AccessOptions {
  readonly settings: Settings
  readonly env: Env
  /** Strangers ask: own credentials only for what the settings lend. */
  readonly serving: boolean
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** For the services that hand out credentials. */
  readonly http?: HttpClient | undefined
}

/**
 * - `never`: own credentials have no business here.
 * - `if-refused`: an `https` URL that anybody could ask for; with a signature only when S3 said no without, so that what
 *   is public stays reachable whatever the state of the credentials, and is not fetched with them.
 * - `always`: `s3://`, and buckets whose settings say so.
 */
export type Signature = 'never' | 'if-refused' | 'always'

export class Access {
  readonly places: Places
  readonly #settings: Settings
  readonly #serving: boolean
  readonly #memory: Memory
  readonly #credentials: CredentialSource

  constructor({ settings, env, serving, now, http }: AccessOptions) {
    this.#settings = settings
    this.#serving = serving
    this.#memory = new Memory(now)
    const files = sharedFiles(env)
    this.#credentials = new CredentialSource({ env, files, now, http })
    this.places = new Places(settings, configReader(env, files))
  }

  signature(found: Found): Signature {
    const { bucket, endpoint } = found.object
    const place = this.#place(found)
    // Credentials belong to where `s3://BUCKET` goes; a bucket of the same name elsewhere is another one.
    if (place.anonymous || !sameEndpoint(place.endpoint, endpoint)) return 'never'
    if (this.#serving && !this.#settings.lend.has(bucket) && !this.#settings.lend.has('*')) return 'never'
    return found.scheme === 's3' || place.private ? 'always' : 'if-refused'
  }

  /** Why an `s3://` URL leads nowhere: its settings are wrong. */
  problem({ scheme, object, region }: Found): string | undefined {
    const { problem } = this.places.home(object.bucket, region)
    return scheme === 's3' && problem !== undefined ? `bucket ${object.bucket}: ${problem}` : undefined
  }

  /**
   * The request without any credential of ours. An `http` URL stays where it leads, without the parameters that are no part
   * of the object's name: S3 refuses some of them to who shows no signature, and its no would be all others' who ask for it.
   */
  open(request: UpstreamRequest, found: Found): UpstreamRequest {
    const learned = this.#memory.region(found.object)
    if (found.scheme === 'http' && (learned === undefined || found.object.endpoint.kind === 'custom')) {
      const url = new URL(request.url)
      url.search = canonicalUrl(found.object).search
      return { ...request, url }
    }
    return { ...request, url: requestUrl(found.object, this.#route(found)) }
  }

  /**
   * Signs headers, and does not presign the URL. A signed header is good for one method, one object and a quarter of an
   * hour; it does not outlive a redirect, because the client drops it there; and it stands in no URL, which proxies log,
   * which comes back in a Location, and which errors show. A signature in a failed URL is so always the client's own.
   */
  async authorise(request: UpstreamRequest, found: Found): Promise<UpstreamRequest> {
    const signature = this.signature(found)
    const problem = this.problem(found)
    if (problem !== undefined) throw new Error(problem)
    const tries = signature === 'if-refused' && !this.#memory.isRefused(found.object)
    if (tries) this.#memory.noteUnsigned(found.object)
    if (tries || signature === 'never') return this.open(request, found)
    const credentials = await this.#credentialsFor(found, signature)
    if (credentials === undefined) return this.open(request, found)
    const signing = this.signing(request, found, credentials)
    const headers = await signedHeaders(signing, this.payer(found))
    return { ...request, url: signing.url, headers: { ...request.headers, ...headers } }
  }

  /** Credentials for the object's place. Throws in one line where there are none. */
  async credentials(found: Found): Promise<Credentials> {
    const { profile } = this.#place(found)
    try {
      return sendable(await this.#credentials.get(profile))
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`bucket ${found.object.bucket}: ${why}`, { cause: error })
    }
  }

  signing({ method }: Pick<UpstreamRequest, 'method'>, found: Found, credentials: Credentials): Signing {
    const url = requestUrl(found.object, this.#route(found))
    return { method, url, credentials, region: this.region(found), now: this.#memory.theirTime(found.object) }
  }

  /** A request about a whole bucket, signed unless its settings call it anonymous. Throws where there are no credentials. */
  async bucketRequest(bucket: Found, query: Readonly<Record<string, string>>): Promise<UpstreamRequest> {
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    const { endpoint, bucket: name } = bucket.object
    const url = new URL(`${bucketUrl(endpoint, name, this.#route(bucket))}/?${pairs.join('&')}`)
    const request = { method: 'GET', url, headers: {} } as const
    if (this.signature(bucket) === 'never') return request
    const signing = this.signing(request, bucket, await this.credentials(bucket))
    return { ...request, headers: await signedHeaders({ ...signing, url }, this.payer(bucket)) }
  }

  /** What says that we pay for the request, as a header or a parameter. */
  payer(found: Found): Record<string, string> {
    return this.#place(found).requesterPays ? { 'x-amz-request-payer': 'requester' } : {}
  }

  region(found: Found): string {
    return this.#memory.region(found.object) ?? found.region ?? this.#place(found).region
  }

  /** Learns from a refusal of a request of ours; `reauthorise` when the next one will be another. */
  learn(failure: UpstreamFailure, found: Found): Classification | undefined {
    return this.#changes(failure, found) ? 'reauthorise' : undefined
  }

  #changes(failure: UpstreamFailure, found: Found): boolean {
    const { object } = found
    if (isWrongRegion(failure) && this.#memory.learnRegion(object, namedRegion(failure))) return true
    // A redirect of S3 leads to the host of the right region, where the request arrives without its signature.
    if (failure.hop > 0 && failure.status === 403 && this.#memory.learnRegion(object, found.region)) return true
    const signature = this.signature(found)
    const { profile } = this.#place(found)
    if (signature === 'never' || this.#credentials.areMissing(profile)) return false
    if (isSkewed(failure) && this.#memory.learnTime(object, failure.headers['date'])) return true
    if (isExpired(failure) && this.#credentials.renew(profile)) return true
    return signature === 'if-refused' && failure.status === 403 && this.#memory.learnRefusal(object)
  }

  async #credentialsFor(found: Found, signature: Signature): Promise<Credentials | undefined> {
    try {
      return await this.credentials(found)
    } catch (error) {
      if (signature === 'always') throw error
      // Asked again without one, the origin says no in its own words, which is the better answer to an https URL.
      return undefined
    }
  }

  #place(found: Found): Place {
    return this.places.home(found.object.bucket, found.region)
  }

  #route(found: Found): Route {
    const place = this.#place(found)
    const learned = this.#memory.region(found.object)
    return {
      region: learned ?? found.region ?? (found.scheme === 's3' ? place.region : undefined),
      addressing: place.addressing,
      options: found.options ?? place.options,
    }
  }
}

/** Throws where a header could not hold them: the error of the platform would quote the token. */
function sendable(credentials: Credentials): Credentials {
  const { accessKeyId, sessionToken = '' } = credentials
  for (const [what, text] of [
    ['access key', accessKeyId],
    ['session token', sessionToken],
  ] as const) {
    if (/[^\x20-\x7e\x80-\xff]/.test(text.trim())) {
      throw new Error(`the AWS ${what} holds line ends or characters that no AWS ${what} has`)
    }
  }
  return credentials
}
