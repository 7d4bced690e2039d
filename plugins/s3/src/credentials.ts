/** AWS credentials of a profile: by the official provider chain, which is loaded when first needed. */

import type { HttpClient } from 'kiss-cache/plugin'
import { profileSettings, readShared, type Env, type SharedFiles } from './aws-config.js'
import { isContainer, reasonOf } from './credential-failure.js'
import { sdkHttpHandler } from './sdk-http.js'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  /** When the session ends; absent for keys that last. */
  readonly expiration?: Date | undefined
}

type Chain = (options?: { forceRefresh?: boolean }) => Promise<Credentials>

/** Milliseconds that a failure of the chain is remembered: outside EC2 it waits a second for an instance that is not there. */
const FAILURE_TTL = 10_000

/** Milliseconds for all that the chain does, commands and questions included; it has no limit of its own. */
const LIMIT = 30_000

export interface CredentialSourceOptions {
  readonly env: Env
  readonly files: SharedFiles
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** For STS and SSO; without it the SDK asks by itself. */
  readonly http?: HttpClient | undefined
  /** Milliseconds, for tests. */
  readonly limit?: number
}

export class CredentialSource {
  readonly #env: Env
  readonly #files: SharedFiles
  readonly #now: () => number
  readonly #http: HttpClient | undefined
  readonly #limit: number
  readonly #chains = new Map<string, Promise<Chain>>()
  readonly #failures = new Map<string, { readonly until: number; readonly error: Error }>()
  readonly #stale = new Set<string>()

  constructor({ env, files, now, http, limit = LIMIT }: CredentialSourceOptions) {
    this.#env = env
    this.#files = files
    this.#now = now
    this.#http = http
    this.#limit = limit
  }

  /** @param profile undefined: the environment's keys or profile, as every AWS tool takes them. Throws where there are none. */
  async get(profile: string | undefined): Promise<Credentials> {
    const fromEnv = this.#fromEnvironment(profile)
    if (fromEnv !== undefined) return fromEnv
    const name = profile ?? ''
    const failed = this.#failure(profile)
    if (failed !== undefined) throw failed
    try {
      const chain = await this.#chain(name, profile)
      const credentials = await this.#inTime(chain({ forceRefresh: this.#stale.delete(name) }))
      this.#failures.delete(name)
      return credentials
    } catch (cause) {
      // A request after the remembered failure starts anew, and does not wait for a source that hangs.
      this.#chains.delete(name)
      // The cause stays behind: it may hold what must not be shown.
      const chosen = this.#chosen(profile)
      const why = reasonOf(cause, { env: this.#env, profile: chosen, shared: readShared(this.#files) })
      const error = new Error(`no AWS credentials${chosen === undefined ? '' : ` of profile ${chosen}`}: ${why}`)
      this.#failures.set(name, { until: this.#now() + FAILURE_TTL, error })
      throw error
    }
  }

  /** What {@link get} gave was refused as expired: the next one asks the source again. False: the source is the environment. */
  renew(profile: string | undefined): boolean {
    if (this.#fromEnvironment(profile) !== undefined) return false
    this.#stale.add(profile ?? '')
    return true
  }

  /** Is it known, for the moment, that there are none? */
  areMissing(profile: string | undefined): boolean {
    return this.#fromEnvironment(profile) === undefined && this.#failure(profile) !== undefined
  }

  #failure(profile: string | undefined): Error | undefined {
    const failed = this.#failures.get(profile ?? '')
    return failed !== undefined && this.#now() < failed.until ? failed.error : undefined
  }

  #fromEnvironment(profile: string | undefined): Credentials | undefined {
    return profile === undefined ? environmentKeys(this.#env) : undefined
  }

  async #inTime(asking: Promise<Credentials>): Promise<Credentials> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`their source did not answer within ${this.#limit / 1000} s`)
      timer = setTimeout(() => reject(error), this.#limit)
    })
    return Promise.race([asking, late]).finally(() => clearTimeout(timer))
  }

  #chain(name: string, profile: string | undefined): Promise<Chain> {
    const chain = this.#chains.get(name) ?? this.#load(profile)
    this.#chains.set(name, chain)
    return chain
  }

  async #load(profile: string | undefined): Promise<Chain> {
    // The SDK's plea for a newer Node is for us, not for our users; the variable is the SDK's own.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
    const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
    const chosen = this.#chosen(profile)
    // The chain would go on to whom the machine belongs, which is somebody else than the profile that was asked for.
    if (
      chosen !== undefined &&
      chosen !== 'default' &&
      profileSettings(readShared(this.#files), chosen) === undefined
    ) {
      throw new Error(`the shared config files have no profile ${chosen}`)
    }
    return defaultProvider({
      ...(chosen === undefined ? {} : { profile: chosen }),
      configFilepath: this.#files.config,
      filepath: this.#files.credentials,
      // Others write new sessions into the shared files while kiss serves.
      ignoreCache: true,
      ...(this.#http && { clientConfig: { requestHandler: sdkHttpHandler(this.#http) } }),
      // For an instance its second is right. A container's slow answer would only be complained of, on the console.
      ...(isContainer(this.#env) && { timeout: 0 }),
      // Without one the chain writes its warnings to the console.
      logger: { debug: silent, info: silent, warn: silent, error: silent },
    })
  }

  #chosen(profile: string | undefined): string | undefined {
    return profile ?? (this.#env['AWS_PROFILE'] || undefined)
  }
}

function silent(): void {
  // Nothing of the chain's own is for our output: it names files, commands and accounts.
}

/** The first link of the official chain, which needs no library: keys in the environment, unless a profile is named there. */
function environmentKeys(env: Env): Credentials | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_PROFILE: profile } = env
  if (!accessKeyId || !secretAccessKey || profile) return undefined
  const expiration = new Date(env['AWS_CREDENTIAL_EXPIRATION'] ?? NaN)
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: env['AWS_SESSION_TOKEN'] || undefined,
    expiration: Number.isNaN(expiration.getTime()) ? undefined : expiration,
  }
}
