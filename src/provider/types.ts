/**
 * The contract of a provider, which is the code for one family of origins. A provider imports only types from here; at run time
 * it does not depend on kiss.
 */

export type HttpMethod = 'GET' | 'HEAD'

/** One request on its way to an origin: one attempt, one redirect hop. */
export interface UpstreamRequest {
  readonly method: HttpMethod
  /** Its target. A provider with a scheme of its own turns it into an http or https URL in {@link UpstreamProvider.authorise}. */
  readonly url: URL
  /**
   * Names are lower case. Contains the passed headers of the client, and the validators or the range of kiss. A provider
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
  /**
   * Has a cache key of its own, other than that of the URL that has this source. Without a `member` kiss keeps no more of it
   * than its cache key.
   */
  readonly url: URL
  /** Path of a file in the zip archive behind `url`, whose bytes these are. Absent: the asked URL is a name of `url`. */
  readonly member?: string | undefined
}

export interface ProviderContext {
  /** Aborted when the answer is not needed any more. */
  readonly signal: AbortSignal
  /** The requested URL of the client; `request.url` differs from it after a redirect. */
  readonly asked: URL
  /** 0 for the requested URL, 1 after the first redirect, and so on. */
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
 * The clients that may read bytes of the provider's own credentials. `all`: every client of the server. `probe`: clients whose own
 * right the origin confirms; a request without such a right gets no credential. `never`: the one request that caused the download.
 * It has no effect on a command line, where the credentials belong to the user.
 */
export type Sharing = 'all' | 'probe' | 'never'

export interface UpstreamProvider {
  readonly name: string
  /** The first provider, by descending priority, whose {@link matches} is true owns the URL. Plain HTTP has 0. */
  readonly priority: number
  matches(url: URL): boolean
  /**
   * The reason why a URL of its own scheme cannot be fetched, in one line without secrets. Called if no provider matches.
   */
  objection?(url: URL): string | undefined
  /**
   * The URL that identifies the content: no signature, no token, no userinfo, no fragment. Pure, given the provider's settings,
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
   * Finds the other URL that the bytes of this URL come from: `latest` is a name of the release of a tag, a file in an
   * archive comes from that archive. Undefined: the URL is downloaded itself. kiss keeps the answer for the lifetime of the
   * asked URL ({@link ttl}), offline for longer, and asks again when that ends. It fetches the source by the rules of the
   * cache, with the headers of the client. All names of one URL share its entry; a file of an archive has an entry of its
   * own. Errors mean what they mean in `authorise`.
   */
  source?(request: UpstreamRequest, context: ProviderContext): Promise<Source | undefined>
  /**
   * May {@link authorise} add a credential of the provider's own to a request for this URL that brings none? Pure, given the
   * settings. With `share: all` a server then serves the bytes of such a credential to every client. For a provider with
   * `authorise` and without `lends`, kiss probes the origin first.
   */
  lends?(url: URL): boolean
  /** The meaning of a failure; undefined leaves it to the default table. */
  classify?(failure: UpstreamFailure): Classification | undefined
  /**
   * Seconds until the origin accepts requests again, for origins that announce a rate limit in their own fields. kiss waits that
   * long, or gives up at once if that exceeds `--retry-for`. Called for failures that are retried; undefined: the field
   * Retry-After decides.
   */
  retryAfter?(failure: UpstreamFailure): number | undefined
  /** One line in plain words for a failure (`bucket lkft, key builds/Image.gz: AccessDenied`), without secrets. */
  describe?(failure: UpstreamFailure): string | undefined
  /** The reason why a 200 or a redirect is not the artifact (a sign-in page); undefined accepts it. It counts as denied. */
  refuse?(answer: UpstreamAnswer): string | undefined
  /** A lifetime in seconds of its own, for URLs that move (a branch, "latest"). */
  ttl?(url: URL): number | undefined
  /** The clients that may read bytes of the provider's own credentials. Default: all clients of the server. */
  readonly share?: Sharing
}

/** A request besides artifacts: for a token or a list. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  /** http or https, without userinfo. */
  readonly url: URL
  /** Names are lower case. kiss adds the headers that follow from the URL and the body. */
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
 * Sends one request as for artifacts: through the proxies of the environment, with the certificates of the settings.
 * Throws KissError `origin-unreachable` if no server answers, `origin-timeout`, `configuration`, `upstream-forbidden`.
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
  /** For requests that `authorise` needs. */
  readonly http: HttpClient
  /** True in `kiss serve`, whose clients are not trusted: use own credentials only for the URLs that the settings list. */
  readonly serving: boolean
}

/** The name of the oclif hook through which plugins report the URLs of a job file. */
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
