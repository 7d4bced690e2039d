/** The provider of one GitLab instance. */

import type {
  Classification,
  ProviderContext,
  Sharing,
  UpstreamAnswer,
  UpstreamFailure,
  UpstreamProvider,
  UpstreamRequest,
} from 'kiss-cache'
import { globToRegExp, projectMatcher, TokenSource } from 'kiss-cache/provider-kit'
import { apiArchive } from './archive.js'
import { description, isHiddenProject, isSignIn, isUnknownRef, refusal, type Credential } from './answers.js'
import { pathBelow } from './instance.js'
import { refMoves } from './moving.js'
import { readUrl } from './read.js'
import { RefSearch } from './ref-search.js'
import { canonicalUrl, requestUrl, type Resource } from './resource.js'
import { searchWithoutSecrets, splitQuery } from './secrets.js'
import { tokenHeaders } from './token.js'
import type { InstanceSettings } from './types.js'

export interface GitLabOptions {
  readonly settings: InstanceSettings
  /** True in `kiss serve`: the token is lent to the listed projects only. */
  readonly serving: boolean
  /** Lower case, unique among providers. */
  readonly name: string
  /** Of the instance's URLs: those of projects that the token is lent to, or all others; absent: every one. */
  readonly part?: Part
  /** Milliseconds since any fixed moment. */
  readonly now?: () => number
}

export type Part = 'lent' | 'others'

/** Before plain HTTP; an instance below a path goes before one at the root of the same host. */
const PRIORITY = 100

export class GitLabProvider implements UpstreamProvider {
  readonly name: string
  readonly priority: number
  readonly share: Sharing
  readonly #settings: InstanceSettings
  readonly #serving: boolean
  readonly #token: TokenSource | undefined
  readonly #lendsTo: (project: string) => boolean
  readonly #tags: readonly RegExp[]
  readonly #part: Part | undefined
  readonly #refs = new RefSearch()

  constructor({ settings, serving, name, part, now = () => performance.now() }: GitLabOptions) {
    this.name = name
    this.priority = PRIORITY + new URL(settings.instance.base).pathname.split('/').filter((part) => part !== '').length
    // What nothing is lent for is what anybody could have fetched.
    this.share = part === 'others' ? 'all' : settings.share
    this.#part = part
    this.#settings = settings
    this.#serving = serving
    this.#token = settings.token && new TokenSource(settings.token.origin, now)
    this.#lendsTo = projectMatcher(settings.projects)
    this.#tags = settings.tags.map(globToRegExp)
  }

  matches(url: URL): boolean {
    if (!this.#isOurs(url)) return false
    return this.#part === undefined || this.#isLent(readUrl(this.#settings.instance, url)) === (this.#part === 'lent')
  }

  cacheKey(url: URL): URL {
    const resource = readUrl(this.#settings.instance, url)
    if (resource !== undefined) return canonicalUrl(this.#settings.instance, resource)
    const key = new URL(url)
    key.username = key.password = key.hash = ''
    key.search = searchWithoutSecrets(url)
    return key
  }

  carriesCredential(url: URL): boolean {
    return url.username !== '' || url.password !== '' || splitQuery(url).secret.length > 0
  }

  ttl(url: URL): number | undefined {
    const ref = readUrl(this.#settings.instance, url)?.ref
    return ref !== undefined && refMoves(ref, this.#tags) ? this.#settings.movingTtl : undefined
  }

  lends(url: URL): boolean {
    if (this.#token === undefined || !this.#isOurs(url)) return false
    return !this.#serving || this.#isLent(readUrl(this.#settings.instance, url))
  }

  async authorise(request: UpstreamRequest, context: ProviderContext): Promise<UpstreamRequest> {
    if (!this.#isOurs(request.url)) return request
    const resource = this.#wanted(request.url, context.asked)
    const url = resource === undefined ? request.url : this.#place(resource, request.url, context.asked)
    const token = this.#settings.token
    if (context.clientCredential || this.carriesCredential(url) || this.#token === undefined || !token) {
      return { ...request, url }
    }
    if (this.#serving && !this.#isLent(resource)) return { ...request, url }
    return { ...request, url, headers: { ...request.headers, ...tokenHeaders(token.kind, await this.#token.read()) } }
  }

  /**
   * The request of a hop. GitLab takes a token on the web URL of an archive only where its scope is wide enough and sends
   * everybody else to the sign-in page; there the API's archive is asked for instead.
   */
  #wanted(url: URL, asked: URL): Resource | undefined {
    const { instance } = this.#settings
    if (!isSignIn(instance, url)) return readUrl(instance, url)
    const resource = readUrl(instance, asked)
    return resource && apiArchive(resource)
  }

  /** A sign-in page is not told the client's token, so its place takes it from the URL that was asked for. */
  #place(resource: Resource, requested: URL, asked: URL): URL {
    const { instance } = this.#settings
    const from = isSignIn(instance, requested) ? asked : requested
    const canonical = canonicalUrl(instance, resource).href
    const address = this.#refs.address(canonical, resource, (a) => canonicalUrl(instance, { ...resource, ...a }).href)
    const url = requestUrl(instance, resource, address, splitQuery(from).secret)
    url.username = requested.username
    url.password = requested.password
    return url
  }

  classify(failure: UpstreamFailure): Classification | undefined {
    if (!this.#isOurs(failure.url)) return undefined
    if (isUnknownRef(failure) && this.#refs.unknownRef(this.cacheKey(failure.url).href)) return 'reauthorise'
    if (failure.status === 401 && this.#token?.refused() === true) return 'reauthorise'
    // A client that may not see a project does not learn that its artifacts are gone.
    return isHiddenProject(failure) ? 'denied' : undefined
  }

  refuse(answer: UpstreamAnswer): string | undefined {
    if (this.#isOurs(answer.url)) this.#refs.settled(this.cacheKey(answer.url).href)
    return refusal(this.#settings.instance, answer)
  }

  describe(failure: UpstreamFailure): string | undefined {
    const { instance } = this.#settings
    if (!this.#isOurs(failure.url)) {
      // A mirror is another host from the start, and nothing is known about it.
      if (failure.hop === 0) return undefined
      return `${instance.label}: its object storage ${failure.url.host} answered ${failure.status}`
    }
    return description(instance, failure, this.#credential(failure.url))
  }

  #credential(url: URL): Credential {
    if (this.#token === undefined) return 'none set'
    return !this.#serving || this.#isLent(readUrl(this.#settings.instance, url)) ? 'sent' : 'not lent'
  }

  /** One of the instance, whichever part of it this provider owns. */
  #isOurs(url: URL): boolean {
    return pathBelow(this.#settings.instance, url) !== undefined
  }

  #isLent(resource: Resource | undefined): boolean {
    return resource !== undefined && this.#lendsTo(resource.project)
  }
}
