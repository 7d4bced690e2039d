/**
 * The object storage behind the GitLab test instance: another host that takes its own signed URLs, for the method that
 * they were signed for, and refuses every request in which a token stands.
 */
import { createHash, randomBytes } from 'node:crypto'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

export interface StorageRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  status: number
}

export interface StoredObject {
  readonly body: Buffer
  readonly name: string
  readonly type?: string
}

const forbiddenHeaders = [
  'authorization',
  'private-token',
  'job-token',
  'deploy-token',
  'authentication',
  'cookie',
  'proxy-authorization',
]

export class ObjectStorage {
  readonly requests: StorageRequest[] = []
  readonly #signed = new Map<string, { readonly object: StoredObject; readonly method: string }>()
  readonly #server: Server = createServer((request, response) => this.#answer(request, response))
  /** Bytes after which the next answers are cut, one each. */
  readonly cuts: number[] = []

  async listen(host: string): Promise<void> {
    this.#server.listen(0, host)
    await once(this.#server, 'listening')
  }

  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo
    return `http://${address}:${port}`
  }

  /** A URL like those of S3, new each time. */
  sign(object: StoredObject, method: string): string {
    const signature = randomBytes(16).toString('hex')
    this.#signed.set(signature, { object, method })
    return `${this.url}/bucket/${encodeURIComponent(object.name)}?X-Amz-Signature=${signature}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.url)
    const logged: StorageRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      status: 0,
    }
    this.requests.push(logged)
    response.on('close', () => (logged.status = response.statusCode))
    const token =
      forbiddenHeaders.find((name) => name in request.headers) ??
      [...url.searchParams.keys()].find((name) => /token/i.test(name))
    if (token !== undefined) return refuse(response, 400, 'InvalidRequest')
    const signed = this.#signed.get(url.searchParams.get('X-Amz-Signature') ?? '')
    if (signed === undefined || signed.method !== request.method) return refuse(response, 403, 'SignatureDoesNotMatch')
    sendObject(request, response, signed.object, this.cuts.shift())
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`)
}

/** Whole or from a byte on, with a strong ETag; 304 for a validator that matches. */
export function sendObject(
  request: IncomingMessage,
  response: ServerResponse,
  object: StoredObject,
  cut?: number,
): void {
  const { body, name, type = 'application/octet-stream' } = object
  const etag = `"${createHash('md5').update(body).digest('hex')}"`
  response.setHeader('etag', etag)
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304).end()
    return
  }
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
  const resumes = range !== null && (request.headers['if-range'] ?? etag) === etag
  const start = resumes ? Number(range[1]) : 0
  response.writeHead(resumes ? 206 : 200, {
    'content-type': type,
    'content-length': body.length - start,
    'content-disposition': `attachment; filename="${encodeURIComponent(name)}"`,
    'accept-ranges': 'bytes',
    ...(resumes && { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` }),
  })
  if (request.method === 'HEAD') response.end()
  else if (cut === undefined) response.end(body.subarray(start))
  else response.write(body.subarray(start, start + cut), () => response.destroy())
}
