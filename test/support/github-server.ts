/**
 * A GitHub for tests, as an Enterprise server lays it out: pages, the REST API below /api/v3 with GitHub's answers to
 * missing and wrong tokens, rate limits and expired artifacts, and an object storage on another host.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { ObjectStorage, sendObject, type StoredObject } from './gitlab-server-storage.js'

export interface GitHubRequest {
  readonly method: string
  /** Path and query, as they were sent. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  status: number
}

interface Asset {
  readonly id: number
  readonly tag: string
  readonly object: StoredObject
  /** What GitHub says of it; null for old assets. */
  digest: string | null
}

interface Artifact {
  readonly id: number
  readonly run: number
  readonly object: StoredObject
  expired: boolean
  digest: string | null
}

export class Repository {
  readonly assets: Asset[] = []
  readonly artifacts: Artifact[] = []
  /** `build.yml@main` to its successful runs, the newest first. */
  readonly workflows = new Map<string, number[]>()
  /** Runs of pull requests to the fork that they come from; null: it was deleted. */
  readonly forks = new Map<number, string | null>()
  /** `main/dts/board.dts`: ref and path. */
  readonly files = new Map<string, Buffer>()
  /** `refs/tags/v1.tar.gz` */
  readonly archives = new Map<string, Buffer>()
  latest: string | undefined
  #next = 100

  constructor(
    readonly path: string,
    readonly visibility: 'public' | 'private',
  ) {}

  release(tag: string, name: string, body: Buffer): Asset {
    const asset = { id: this.#next++, tag, object: { name, body }, digest: digestOf(body) }
    this.assets.push(asset)
    this.latest = tag
    return asset
  }

  upload(run: number, name: string, body: Buffer): Artifact {
    const artifact = { id: this.#next++, run, object: { name, body }, expired: false, digest: digestOf(body) }
    this.artifacts.push(artifact)
    return artifact
  }
}

export function digestOf(body: Buffer): string {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`
}

/** What the API answers instead, once each. */
export interface Limit {
  readonly status: 403 | 429
  readonly headers: Record<string, string>
  readonly message?: string
}

export class GitHubServer {
  readonly requests: GitHubRequest[] = []
  readonly storage = new ObjectStorage()
  readonly limits: Limit[] = []
  /** Tokens, and the private repositories that each may read. */
  readonly tokens = new Map<string, readonly string[]>()
  /** Old path of a repository to its present one. */
  readonly renamed = new Map<string, string>()
  readonly #repositories: Repository[] = []
  readonly #server: Server = createServer((request, response) => this.#answer(request, response))
  /** Entries of a page, at most. */
  perPage = 100

  static async start(): Promise<GitHubServer> {
    const github = new GitHubServer()
    await github.storage.listen('127.0.0.2')
    github.#server.listen(0, '127.0.0.1')
    await once(github.#server, 'listening')
    return github
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get api(): string {
    return `${this.url}/api/v3`
  }

  repository(path: string, visibility: Repository['visibility'] = 'private'): Repository {
    const repository = new Repository(path, visibility)
    this.#repositories.push(repository)
    return repository
  }

  /** What was asked of the API, as `GET releases/latest`, without what did not reach a repository. */
  asked(): string[] {
    return this.requests
      .filter(({ path }) => path.startsWith('/api/v3/'))
      .map(({ method, path, status }) => `${method} ${path.replace(/^\/api\/v3\/repos\/[^/]+\/[^/]+\//, '')} ${status}`)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await Promise.all([once(this.#server, 'close'), this.storage.close()])
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const logged = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, status: 0 }
    this.requests.push(logged)
    // Written before the client can see the answer.
    const writeHead = response.writeHead.bind(response)
    response.writeHead = (status: number, ...rest: never[]) => {
      logged.status = status
      return writeHead(status, ...rest)
    }
    const url = new URL(request.url ?? '/', this.url)
    const api = /^\/api\/v3\/repos\/([^/]+\/[^/]+)\/(.+)$/.exec(url.pathname)
    if (api !== null) return this.#api(request, response, api[1]!, decodeURIComponent(api[2]!), url)
    const web = /^\/([^/]+\/[^/]+)\/(.+)$/.exec(url.pathname)
    if (web !== null) return this.#web(request, response, web[1]!, decodeURIComponent(web[2]!))
    json(request, response, 404, { message: 'Not Found' })
  }

  /** undefined: GitHub does not say whether there is none or whether it may not be seen. */
  #visible(path: string, token: string | undefined): Repository | undefined {
    const repository = this.#repositories.find((candidate) => candidate.path.toLowerCase() === path.toLowerCase())
    const may =
      repository?.visibility === 'public' || (this.tokens.get(token ?? '') ?? []).includes(repository?.path ?? '')
    return may ? repository : undefined
  }

  #api(request: IncomingMessage, response: ServerResponse, path: string, rest: string, url: URL): void {
    const limit = this.limits.shift()
    if (limit !== undefined) {
      response.writeHead(limit.status, { 'content-type': 'application/json', ...limit.headers })
      response.end(JSON.stringify({ message: limit.message ?? 'API rate limit exceeded' }))
      return
    }
    const token = tokenOf(request)
    if (token !== undefined && !this.tokens.has(token))
      return json(request, response, 401, { message: 'Bad credentials' })
    const target = this.renamed.get(path)
    if (target !== undefined) {
      response.writeHead(301, { location: `${this.api}/repos/${target}/${rest}${url.search}` }).end()
      return
    }
    const repository = this.#visible(path, token)
    if (repository === undefined) return json(request, response, 404, { message: 'Not Found' })
    const id = /^releases\/assets\/(\d+)$/.exec(rest)?.[1]
    const asset = repository.assets.find((candidate) => String(candidate.id) === id)
    if (asset !== undefined && request.headers.accept === 'application/octet-stream') {
      return this.#redirect(request, response, asset.object)
    }
    const zip = /^actions\/artifacts\/(\d+)\/zip$/.exec(rest)?.[1]
    if (zip !== undefined) return this.#zip(request, response, repository, zip, token)
    const found = this.#metadata(repository, rest, url.searchParams)
    json(request, response, found === undefined ? 404 : 200, found ?? { message: 'Not Found' })
  }

  /** Downloads of artifacts need a token even where the repository is public. */
  #zip(
    request: IncomingMessage,
    response: ServerResponse,
    repository: Repository,
    id: string,
    token: string | undefined,
  ): void {
    if (token === undefined) return json(request, response, 401, { message: 'Requires authentication' })
    const artifact = repository.artifacts.find((candidate) => String(candidate.id) === id)
    if (artifact === undefined) return json(request, response, 404, { message: 'Not Found' })
    if (artifact.expired) return json(request, response, 410, { message: 'Artifact has expired' })
    this.#redirect(request, response, artifact.object)
  }

  #metadata(repository: Repository, rest: string, query: URLSearchParams): object | undefined {
    const asset = ({ id, tag, object, digest }: Asset): object => ({
      id,
      name: object.name,
      size: object.body.length,
      digest,
      browser_download_url: `${this.url}/${repository.path}/releases/download/${tag}/${object.name}`,
    })
    const release = (tag: string | undefined): object | undefined => {
      const assets = repository.assets.filter((candidate) => candidate.tag === tag)
      return assets.length === 0 ? undefined : { id: 7, tag_name: tag, assets: assets.map(asset) }
    }
    const artifact = ({ id, object, expired, digest }: Artifact): object => ({ id, name: object.name, expired, digest })
    if (rest === 'releases/latest') return release(repository.latest)
    if (rest.startsWith('releases/tags/')) return release(rest.slice('releases/tags/'.length))
    const [, id] = /^releases\/assets\/(\d+)$/.exec(rest) ?? []
    if (id !== undefined)
      return optional(
        repository.assets.find((a) => String(a.id) === id),
        asset,
      )
    const [, one] = /^actions\/artifacts\/(\d+)$/.exec(rest) ?? []
    if (one !== undefined)
      return optional(
        repository.artifacts.find((a) => String(a.id) === one),
        artifact,
      )
    const [, run] = /^actions\/runs\/(\d+)\/artifacts$/.exec(rest) ?? []
    if (run !== undefined) {
      const all = repository.artifacts.filter((a) => String(a.run) === run)
      const size = Math.min(this.perPage, Number(query.get('per_page') ?? 30))
      const start = (Number(query.get('page') ?? 1) - 1) * size
      return { total_count: all.length * (100 / size), artifacts: all.slice(start, start + size).map(artifact) }
    }
    const [, workflow] = /^actions\/workflows\/([^/]+)\/runs$/.exec(rest) ?? []
    if (workflow === undefined || query.get('status') !== 'success') return undefined
    const runs = repository.workflows.get(`${workflow}@${query.get('branch') ?? ''}`) ?? []
    const own = { id: 1, full_name: repository.path }
    const head = (run: number): object | null => {
      const fork = repository.forks.get(run)
      return fork === undefined ? own : fork === null ? null : { id: 2, full_name: fork }
    }
    return {
      total_count: runs.length,
      workflow_runs: runs.map((run) => ({ id: run, repository: own, head_repository: head(run) })),
    }
  }

  /** Pages know sessions and no tokens, but for raw files and archives. */
  #web(request: IncomingMessage, response: ServerResponse, path: string, rest: string): void {
    const direct = rest.startsWith('raw/') || rest.startsWith('archive/')
    const repository = this.#visible(path, direct ? tokenOf(request) : undefined)
    const [, tag, name] = /^releases\/download\/(.+)\/([^/]+)$/.exec(rest) ?? []
    const asset = repository?.assets.find((a) => a.tag === tag && a.object.name === name)
    if (asset !== undefined) return this.#redirect(request, response, asset.object)
    const [, latest] = /^releases\/latest\/download\/([^/]+)$/.exec(rest) ?? []
    if (latest !== undefined && repository?.latest !== undefined) {
      const location = `${this.url}/${repository.path}/releases/download/${repository.latest}/${latest}`
      response.writeHead(302, { location }).end()
      return
    }
    const file = rest.startsWith('raw/') ? repository?.files.get(rest.slice('raw/'.length)) : undefined
    const archive = rest.startsWith('archive/') ? repository?.archives.get(rest.slice('archive/'.length)) : undefined
    const body = file ?? archive
    if (body === undefined) {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<title>Page not found</title>')
      return
    }
    if (archive !== undefined) return this.#redirect(request, response, { name: 'archive', body })
    sendObject(request, response, { name: 'file', body })
  }

  #redirect(request: IncomingMessage, response: ServerResponse, object: StoredObject): void {
    response.writeHead(302, { location: this.storage.sign(object, request.method ?? 'GET') }).end()
  }
}

function optional<T>(value: T | undefined, show: (value: T) => object): object | undefined {
  return value === undefined ? undefined : show(value)
}

function tokenOf(request: IncomingMessage): string | undefined {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ')
  if (/^(bearer|token)$/i.test(scheme)) return value
  return /^basic$/i.test(scheme) ? Buffer.from(value, 'base64').toString().replace(/^.*?:/, '') : undefined
}

function json(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  const etag = `W/"${createHash('sha256').update(text).digest('hex')}"`
  if (status === 200 && request.headers['if-none-match'] === etag) {
    response.writeHead(304, { etag }).end()
    return
  }
  response.writeHead(status, { 'content-type': 'application/json', ...(status === 200 && { etag }) }).end(text)
}
