/**
 * The contract between kiss and what knows one family of origins. A provider imports types from here and nothing else;
 * at run time it depends on nothing of kiss.
 */

export type HttpMethod = 'GET' | 'HEAD'

/** One request on its way to an origin: one attempt, one redirect hop. */
export interface UpstreamRequest {
  readonly method: HttpMethod
  /** Where it goes. A provider of its own scheme turns it into an http or https URL in {@link UpstreamProvider.authorise}. */
  readonly url: URL
  /**
   * Names are lower case. Holds what the client passed on, and the validators or the range that kiss asks with. A provider
   * may add others, `accept` included.
   */
  readonly headers: Readonly<Record<string, string>>
  /**
   * Set by a provider: the SHA-256 (lower-case hex) that the origin gives for the content. Content with another sum is
   * refused with `digest-mismatch`.
   */
  readonly sha256?: string | undefined
}

/** The origin of a URL's bytes, where that is another URL that kiss can fetch. */
export interface Source {
  /** Has a cache key of its own, other than that of the URL that has this source. */
  readonly url: URL
  /** Path of a file in the zip archive behind `url`, whose bytes these are; absent: all of `url`. */
  readonly member?: string | undefined
}

export interface ProviderContext {
  /** Aborted when the answer is not needed any more. */
  readonly signal: AbortSignal
  /** The URL that the client asked for; `request.url` differs from it after a redirect. */
  readonly asked: URL
  /** 0 for the URL that was asked for, 1 after the first redirect, and so on. */
  readonly hop: number
  /** The client brought a credential of its own: the provider must not add the server's. */
  readonly clientCredential: boolean
}

/** The answer of an origin, without its body. Header names are lower case. */
export interface UpstreamAnswer {
  /** The URL that was requested on this hop. */
  readonly url: URL
  readonly hop: number
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** An answer that is not the artifact. */
export interface UpstreamFailure extends UpstreamAnswer {
  /** The first 4 KiB of the body as text, or ''. */
  readonly excerpt: string
}

/** The meaning of a failure: try again, try again with a new credential, 404/410, 401/403, or give up at once. */
export type Classification = 'retry' | 'reauthorise' | 'gone' | 'denied' | 'fatal'

/**
 * Who may read what the provider's own credentials fetched: all who may use the server; with `probe` those whose own right
 * the origin confirms (to a request without a right of its own nothing is lent); with `never` the one request that asked.
 * Means nothing on a command line, where the credentials belong to who asks.
 */
export type Sharing = 'all' | 'probe' | 'never'

export interface UpstreamProvider {
  readonly name: string
  /** The first provider, by descending priority, whose {@link matches} is true owns the URL. Plain HTTP has 0. */
  readonly priority: number
  matches(url: URL): boolean
  /**
   * Why a URL of its own scheme names nothing that it could fetch, in one line without secrets. Asked when no provider
   * matches.
   */
  objection?(url: URL): string | undefined
  /**
   * What identifies the content: no signature, no token, no userinfo, no fragment. Pure, given the provider's settings,
   * and idempotent: `cacheKey(cacheKey(url))` equals `cacheKey(url)`.
   */
  cacheKey(url: URL): URL
  /** Does this URL itself carry a credential (a signature, a token, userinfo)? */
  carriesCredential?(url: URL): boolean
  /**
   * Adds credentials or presigns. Asked before every attempt and every redirect hop, because signatures expire; on a
   * hop to another origin it returns the request as it is. An error is reported as `credential` (exit 7). An error with a
   * property `failure` that is an {@link UpstreamFailure} counts as the origin's answer to the request: kiss classifies,
   * describes and retries it.
   */
  authorise?(request: UpstreamRequest, context: ProviderContext): Promise<UpstreamRequest>
  /**
   * Finds the other URL that the bytes of this URL come from: `latest` is the release of a tag, a file in an archive comes
   * from that archive. Asked before each download and validation; undefined: the URL is downloaded itself. kiss fetches
   * the source by the rules of the cache, with the headers of the client, and stores the bytes under both keys. Errors
   * mean what they mean in `authorise`.
   */
  source?(request: UpstreamRequest, context: ProviderContext): Promise<Source | undefined>
  /**
   * May {@link authorise} add a credential of the provider's own to a request for this URL that brings none? Pure, given the
   * settings. With `share: all` a server then serves what such a credential brought to every client. Where a provider has
   * `authorise` and does not say, kiss asks the origin first.
   */
  lends?(url: URL): boolean
  /** The meaning of a failure; undefined leaves it to the default table. */
  classify?(failure: UpstreamFailure): Classification | undefined
  /**
   * Seconds until the origin takes requests again, where it says so in a way of its own (a rate limit). kiss waits for
   * that long, or gives up at once where that is beyond `--retry-for`. Asked for failures that are retried; undefined:
   * the field Retry-After decides.
   */
  retryAfter?(failure: UpstreamFailure): number | undefined
  /** One line in plain words for a failure (`bucket lkft, key builds/Image.gz: AccessDenied`), without secrets. */
  describe?(failure: UpstreamFailure): string | undefined
  /** Why an answer with status 200 or a redirect is not the artifact (a sign-in page); undefined takes it. Counts as denied. */
  refuse?(answer: UpstreamAnswer): string | undefined
  /** A lifetime in seconds of its own, for URLs that move (a branch, "latest"). */
  ttl?(url: URL): number | undefined
  /** Who may read what the provider's own credentials fetched. Default: all who may use the server. */
  readonly share?: Sharing
}

/** What is asked besides artifacts: a token, a list. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  /** http or https, without userinfo. */
  readonly url: URL
  /** Names are lower case; what follows from the URL and the body is kiss's own business. */
  readonly headers?: Readonly<Record<string, string>>
  /** Of a POST. */
  readonly content?: { readonly type: string; readonly body: string | Uint8Array } | undefined
  /** Aborted when the answer is not needed any more. There is a limit of a minute besides. */
  readonly signal?: AbortSignal | undefined
}

/** The answer as it came: redirects are not followed. Header names are lower case. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** In memory: 64 MiB at most. */
  readonly body: Uint8Array
}

/**
 * Asks once, as kiss asks for artifacts: through the proxies of the environment, with the certificates of the settings.
 * Throws KissError `origin-unreachable` where no server answers, `origin-timeout`, `configuration`, `upstream-forbidden`.
 */
export type HttpClient = (request: HttpRequest) => Promise<HttpAnswer>

/** The name of the oclif hook through which plugins register. */
export const PROVIDERS_HOOK = 'kiss-providers'

/**
 * The argument of the hook. It calls `register` at least once; two providers of one name are an error. This is a type
 * alias because oclif's hooks have an index signature, which no interface satisfies.
 */
export type ProvidersHookOptions = {
  register: (provider: UpstreamProvider) => void
  /** The section of the configuration file under a name, as parsed (`s3:`, `gitlab:`); undefined where there is none. */
  section: (name: string) => unknown
  readonly env: Readonly<Record<string, string | undefined>>
  /** For what a provider has to ask before it can authorise. */
  readonly http: HttpClient
  /** True in `kiss serve`, where strangers ask: lend own credentials only to what the settings list. */
  readonly serving: boolean
}

/** The name of the oclif hook through which plugins tell which URLs a job file downloads. */
export const JOB_URLS_HOOK = 'kiss-job-urls'

/** The argument of that hook. It throws KissError `usage` for a file that it cannot read. */
export type JobUrlsHookOptions = {
  /** Paths of job files; `-` is standard input. */
  files: readonly string[]
  add: (url: URL) => void
}

// oclif types its hooks by declaration merging; the empty import makes this file augment the module, not replace it.
import type {} from '@oclif/core/hooks'

declare module '@oclif/core/hooks' {
  interface Hooks {
    'kiss-providers': { options: ProvidersHookOptions; return: unknown }
    'kiss-job-urls': { options: JobUrlsHookOptions; return: unknown }
  }
}
