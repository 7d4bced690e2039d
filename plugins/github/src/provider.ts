/** The provider of one GitHub. */

import type {
  Classification,
  HttpClient,
  ProviderContext,
  Sharing,
  Source,
  UpstreamAnswer,
  UpstreamFailure,
  UpstreamProvider,
  UpstreamRequest,
} from 'kiss-cache'
import { globToRegExp, projectMatcher, TokenSource } from 'kiss-cache/provider-kit'
import { description, isRateLimit, limitedFor, refusal, type Credential } from './answers.js'
import { Api, type Asking } from './api.js'
import { Finder, sha256Of } from './finding.js'
import { pathBelow } from './place.js'
import { isSecretName, readUrl, withoutSecrets } from './read.js'
import { moves } from './refs.js'
import { canonicalUrl, type Resource } from './resource.js'
import type { HostSettings } from './types.js'

export interface GitHubOptions {
  readonly settings: HostSettings
  /** True in `kiss serve`: the token is lent to the listed repositories only. */
  readonly serving: boolean
  /** Lower case, unique among providers. */
  readonly name: string
  readonly http: HttpClient
  /** `github:` URLs mean this GitHub. */
  readonly isDefault: boolean
  /** Of the URLs of this GitHub: those of repositories that the token is lent to, or all others; absent: every one. */
  readonly part?: Part
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

export type Part = 'lent' | 'others'

const PRIORITY = 100

export class GitHubProvider implements UpstreamProvider {
  readonly name: string
  readonly priority = PRIORITY
  readonly share: Sharing
  readonly #o: GitHubOptions
  readonly #now: () => number
  readonly #token: TokenSource | undefined
  readonly #lendsTo: (repository: string) => boolean
  readonly #tags: readonly RegExp[]
  readonly #finder: Finder

  constructor(options: GitHubOptions) {
    const { settings, name, part, now = () => Date.now() } = options
    this.name = name
    // Content that nothing is lent for is content that anybody could have fetched.
    this.share = part === 'others' ? 'all' : settings.share
    this.#o = options
    this.#now = now
    this.#token = settings.token && new TokenSource(settings.token, now)
    this.#lendsTo = projectMatcher(settings.repositories)
    this.#tags = settings.tags.map(globToRegExp)
    this.#finder = new Finder(new Api(settings.place, options.http))
  }

  matches(url: URL): boolean {
    const resource = this.#read(url)
    if (resource === undefined) return false
    return this.#o.part === undefined || this.#lendsTo(resource.repository) === (this.#o.part === 'lent')
  }

  objection(url: URL): string | undefined {
    if (url.protocol !== 'github:' || !this.#o.isDefault || this.#read(url) !== undefined) return undefined
    return 'expected github:OWNER/NAME/run/RUN/ARTIFACT, …/workflow/FILE@BRANCH/ARTIFACT or …/release/TAG/ASSET'
  }

  cacheKey(url: URL): URL {
    const resource = this.#read(url)
    return resource === undefined ? withoutSecrets(url) : canonicalUrl(this.#place, resource)
  }

  carriesCredential(url: URL): boolean {
    return url.username !== '' || url.password !== '' || [...url.searchParams.keys()].some(isSecretName)
  }

  ttl(url: URL): number | undefined {
    const resource = this.#read(url)
    return resource && moves(resource, this.#tags) ? this.#o.settings.movingTtl : undefined
  }

  async source(request: UpstreamRequest, context: ProviderContext): Promise<Source | undefined> {
    const resource = this.#read(request.url)
    if (resource === undefined) return undefined
    const { member, ...whole } = resource
    const named = await this.#named(whole, request, context)
    if (named !== undefined)
      return { url: canonicalUrl(this.#place, { ...named, ...(member !== undefined && { member }) }) }
    if (member === undefined) return undefined
    return { url: this.#withSecrets(canonicalUrl(this.#place, whole), request.url), member }
  }

  lends(url: URL): boolean {
    const resource = this.#read(url)
    if (resource === undefined || this.#token === undefined) return false
    return this.#mayLendFor(resource)
  }

  async authorise(request: UpstreamRequest, context: ProviderContext): Promise<UpstreamRequest> {
    const resource = this.#read(request.url)
    if (context.hop > 0) return this.#authoriseHop(request, context)
    if (resource === undefined) return request
    const asking = await this.#asking(request, context, resource)
    const { authorization } = asking
    const headers = { ...request.headers, ...(authorization !== undefined && { authorization }) }
    const url = this.#withSecrets(canonicalUrl(this.#place, resource), request.url)
    const { repository } = resource
    switch (resource.kind) {
      case 'asset': {
        const { tag, name } = resource
        const asset = await this.#whereAllowed(asking, () => this.#finder.asset(repository, tag, name, asking))
        const sha256 = sha256Of(asset?.digest)
        // The page of a private asset takes no token. The page of a public one costs no quota.
        if (authorization === undefined || asset === undefined) return { ...request, url, headers, sha256 }
        const byId = canonicalUrl(this.#place, { kind: 'asset by id', repository, id: String(asset.id) })
        return { ...request, url: byId, headers: { ...headers, accept: 'application/octet-stream' }, sha256 }
      }
      case 'asset by id':
        return { ...request, url, headers: { ...headers, accept: 'application/octet-stream' } }
      case 'artifact': {
        const artifact = await this.#whereAllowed(asking, () => this.#finder.artifact(repository, resource.id, asking))
        return { ...request, url, headers, sha256: sha256Of(artifact?.digest) }
      }
      default:
        return { ...request, url, headers }
    }
  }

  classify(failure: UpstreamFailure): Classification | undefined {
    if (!this.#isOurs(failure.url)) return undefined
    if (isRateLimit(failure)) return 'retry'
    return failure.status === 401 && this.#token?.refused() === true ? 'reauthorise' : undefined
  }

  retryAfter(failure: UpstreamFailure): number | undefined {
    return this.#isOurs(failure.url) && isRateLimit(failure) ? limitedFor(failure, this.#now()) : undefined
  }

  refuse(answer: UpstreamAnswer): string | undefined {
    return this.#isOurs(answer.url) ? refusal(this.#place, answer) : undefined
  }

  describe(failure: UpstreamFailure): string | undefined {
    const { url, hop, status } = failure
    if (this.#isOurs(url)) {
      const resource = this.#read(url)
      return description(this.#place, failure, resource, this.#credential(resource), this.#now())
    }
    return hop === 0 ? undefined : `${this.#place.label}: its storage ${url.host} answered ${status}`
  }

  /** The asset by tag and name, or the artifact by number, that another URL leads to; undefined where it leads nowhere else. */
  async #named(whole: Resource, request: UpstreamRequest, context: ProviderContext): Promise<Resource | undefined> {
    const { repository } = whole
    const asking = async (): Promise<Asking> => this.#asking(request, context, whole)
    switch (whole.kind) {
      case 'latest asset': {
        const asked = await asking()
        const tag = await this.#whereAllowed(asked, () => this.#finder.latestTag(repository, asked))
        return tag === undefined ? undefined : { kind: 'asset', repository, tag, name: whole.name }
      }
      case 'asset by id': {
        const asked = await asking()
        const lookup = () => this.#finder.assetById(repository, whole.id, asked)
        const href = (await this.#whereAllowed(asked, lookup))?.browser_download_url
        const named = typeof href === 'string' && URL.canParse(href) ? this.#read(new URL(href)) : undefined
        return named?.kind === 'asset' ? named : undefined
      }
      case 'artifact of a run':
      case 'artifact of a workflow': {
        const { id } = await this.#finder.artifactNamed(whole, await asking())
        return { kind: 'artifact', repository, id: String(id) }
      }
      default:
        return undefined
    }
  }

  get #place(): HostSettings['place'] {
    return this.#o.settings.place
  }

  #read(url: URL): Resource | undefined {
    return readUrl(this.#place, url, this.#o.isDefault)
  }

  #isOurs(url: URL): boolean {
    const { web, api, raw, codeload } = this.#place
    return [web, api, raw, codeload].some((base) => base !== undefined && new URL(base).origin === url.origin)
  }

  /** A renamed repository redirects within the API, where the token is needed again; no other hop gets it. */
  async #authoriseHop(request: UpstreamRequest, context: ProviderContext): Promise<UpstreamRequest> {
    const asked = this.#read(context.asked)
    if (asked === undefined || pathBelow(this.#place.api, request.url) === undefined || !usesApi(asked)) return request
    const { authorization } = await this.#asking(request, context, asked)
    if (authorization === undefined) return request
    return { ...request, headers: { accept: 'application/octet-stream', ...request.headers, authorization } }
  }

  /** The credential of the client, or the own one where it may be lent. */
  async #asking(request: UpstreamRequest, context: ProviderContext, resource: Resource): Promise<Asking> {
    const { hop, signal, clientCredential } = context
    const shown = request.headers['authorization']
    const lends = !clientCredential && this.#mayLendFor(resource)
    const own = lends ? await this.#token?.read() : undefined
    return { hop, signal, authorization: shown ?? (own === undefined ? undefined : `Bearer ${own}`) }
  }

  /** A server lends its token for artifacts, and for nothing else that the API tells: hooks, keys, names of secrets. */
  #mayLendFor(resource: Resource): boolean {
    if (!this.#o.serving) return true
    return (resource.kind !== 'api' || isArchive(resource)) && this.#lendsTo(resource.repository)
  }

  /** Without a credential an answer of the API is worth having, but not needed: its quota is small. */
  async #whereAllowed<T>({ authorization }: Asking, lookup: () => Promise<T>): Promise<T | undefined> {
    if (authorization !== undefined) return lookup()
    return lookup().catch(() => undefined)
  }

  /** A token in the URL stays in it: it is the client's credential. */
  #withSecrets(url: URL, from: URL): URL {
    for (const [name, value] of from.searchParams) if (isSecretName(name)) url.searchParams.append(name, value)
    return url
  }

  #credential(resource: Resource | undefined): Credential {
    if (this.#token === undefined) return 'none set'
    return !this.#o.serving || (resource !== undefined && this.#mayLendFor(resource)) ? 'sent' : 'not lent'
  }
}

/** `repos/OWNER/NAME/tarball/REF`, `…/zipball/REF` */
function isArchive({ repository, rest }: Extract<Resource, { kind: 'api' }>): boolean {
  return repository !== '' && /^repos\/[^/]+\/[^/]+\/(tarball|zipball)(\/|$)/.test(rest)
}

/** Does a download of it with a credential begin at the API? */
function usesApi({ kind }: Resource): boolean {
  return kind === 'asset' || kind === 'asset by id' || kind === 'artifact' || kind === 'api'
}
