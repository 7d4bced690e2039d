/**
 * A GitLab instance for tests: REST API and web pages with GitLab's own answers to missing, wrong, expired and revoked
 * tokens, and an object storage on another host.
 */
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { apiContent, newProject, webContent, type Found, type Project } from './gitlab-server-routes.js'
import { ObjectStorage, sendObject } from './gitlab-server-storage.js'
import { Tokens, type Reader } from './gitlab-server-tokens.js'

export interface GitLabRequest {
  readonly method: string
  /** Path and query, as they were sent. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  status: number
}

export class GitLabServer {
  readonly requests: GitLabRequest[] = []
  readonly tokens = new Tokens()
  readonly storage = new ObjectStorage()
  readonly #projects: Project[] = []
  readonly #server: Server = createServer((request, response) => this.#answer(request, response))
  /** A proxy in front answers everything with its own sign-in page, status 200. */
  gate = false
  /** The object storage signs HEAD as GET, as those that are not S3 do. */
  headSignedAsGet = false

  private constructor(
    /** `/gitlab` for an instance below a path. */
    private readonly root: string,
  ) {}

  static async start(root = ''): Promise<GitLabServer> {
    const gitlab = new GitLabServer(root)
    await gitlab.storage.listen('127.0.0.2')
    gitlab.#server.listen(0, '127.0.0.1')
    await once(gitlab.#server, 'listening')
    return gitlab
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.root}`
  }

  project(path: string, visibility: Project['visibility'] = 'private'): Project {
    const project = newProject(this.#projects.length + 7, path, visibility)
    this.#projects.push(project)
    return project
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await Promise.all([once(this.#server, 'close'), this.storage.close()])
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const logged: GitLabRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      status: 0,
    }
    this.requests.push(logged)
    response.on('close', () => (logged.status = response.statusCode))
    const url = new URL(request.url ?? '/', 'http://gitlab')
    if (this.gate) return signInPage(response)
    if (!url.pathname.startsWith(`${this.root}/`)) return json(response, 404, { message: 'beside the instance' })
    const path = url.pathname.slice(this.root.length + 1)
    if (path === 'users/sign_in') return signInPage(response)
    const reader = this.tokens.reader(request.headers, url.searchParams)
    const api = /^api\/v4\/projects\/([^/]+)\/(.+)$/.exec(path)
    if (api !== null)
      return this.#api(request, response, reader, decodeURIComponent(api[1]!), api[2]!, url.searchParams)
    const web = /^(.+?)\/-\/(.+)$/.exec(path)
    if (web !== null) return this.#web(request, response, reader, web[1]!, web[2]!)
    json(response, 404, { error: '404 Not Found' })
  }

  #api(
    request: IncomingMessage,
    response: ServerResponse,
    reader: Reader,
    id: string,
    rest: string,
    query: URLSearchParams,
  ): void {
    // GitLab looks at the token first, also where a project is public.
    if (reader.as === 'refused') return json(response, 401, reader.body)
    const project = this.#projects.find((project) => project.path === id || String(project.id) === id)
    if (project === undefined || !mayRead(project, reader))
      return json(response, 404, { message: '404 Project Not Found' })
    const found = apiContent(project, rest, query)
    if (found === undefined) return json(response, 404, { error: '404 Not Found' })
    this.#send(request, response, found)
  }

  /** No token opens a web page but that of an archive; a wrong one there is as good as none. */
  #web(request: IncomingMessage, response: ServerResponse, reader: Reader, path: string, rest: string): void {
    const project = this.#projects.find((project) => project.path === path)
    const wide = reader.as === 'reader' && reader.token.wide && ['private', 'oauth'].includes(reader.token.kind)
    const counts: Reader = rest.startsWith('archive/') && wide ? reader : { as: 'nobody' }
    if (project === undefined || !mayRead(project, counts)) {
      response
        .writeHead(302, { location: `${this.url}/users/sign_in`, 'set-cookie': '_gitlab_session=1; path=/' })
        .end()
      return
    }
    const found = webContent(project, rest)
    if (found === undefined) return signInPage(response)
    this.#send(request, response, found)
  }

  #send(request: IncomingMessage, response: ServerResponse, found: Found): void {
    if ('missing' in found) return json(response, 404, { message: found.missing })
    if ('redirect' in found) {
      response
        .writeHead(302, { location: found.redirect.startsWith('/') ? `${this.url}${found.redirect}` : found.redirect })
        .end()
      return
    }
    if (!found.storage) return sendObject(request, response, found)
    const method = this.headSignedAsGet ? 'GET' : (request.method ?? 'GET')
    response.writeHead(302, { location: this.storage.sign(found, method) }).end()
  }
}

function mayRead({ visibility, path }: Project, reader: Reader): boolean {
  return visibility === 'public' || (reader.as === 'reader' && reader.token.projects.includes(path))
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function signInPage(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'set-cookie': '_gitlab_session=2; path=/' })
  response.end('<!DOCTYPE html><html><head><title>Sign in · GitLab</title></head><body>Sign in</body></html>')
}
