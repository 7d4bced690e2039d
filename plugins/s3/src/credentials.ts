/** AWS credentials of a profile: by the official provider chain, which is loaded when first needed. */

import type { Env, SharedFiles } from './aws-config.js'

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

export class CredentialSource {
  readonly #env: Env
  readonly #files: SharedFiles
  readonly #now: () => number
  readonly #chains = new Map<string, Promise<Chain>>()
  readonly #failures = new Map<string, { readonly until: number; readonly error: Error }>()
  readonly #stale = new Set<string>()

  constructor(options: { env: Env; files: SharedFiles; now: () => number }) {
    this.#env = options.env
    this.#files = options.files
    this.#now = options.now
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
      const credentials = await chain({ forceRefresh: this.#stale.delete(name) })
      this.#failures.delete(name)
      return credentials
    } catch (cause) {
      const error = new Error(
        `no AWS credentials${profile === undefined ? '' : ` of profile ${profile}`}: ${reason(cause)}`,
      )
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

  #chain(name: string, profile: string | undefined): Promise<Chain> {
    const chain = this.#chains.get(name) ?? this.#load(profile)
    this.#chains.set(name, chain)
    return chain
  }

  async #load(profile: string | undefined): Promise<Chain> {
    // The SDK's plea for a newer Node is for us, not for our users; the variable is the SDK's own.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
    const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
    const chosen = profile ?? (this.#env['AWS_PROFILE'] || undefined)
    return defaultProvider({
      ...(chosen === undefined ? {} : { profile: chosen }),
      configFilepath: this.#files.config,
      filepath: this.#files.credentials,
      // Without one the chain writes its warnings to the console.
      logger: { debug: silent, info: silent, warn: silent, error: silent },
    })
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

/** One line of what the chain says; a command that it ran, and the query of a URL that it asked, may hold a secret. */
function reason(cause: unknown): string {
  const line = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? ''
  if (/command failed/i.test(line)) return 'the credential_process of the profile failed'
  return line.replace(/(https?:\/\/[^\s?]*)\?\S*/g, '$1').slice(0, 300)
}
