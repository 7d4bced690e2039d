/** A strict S3 for the tests: checks every signature, answers as AWS does, and notes what it was asked. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { errorBody, listObjects, makeVersion, readObject, type S3Answer, type S3Bucket } from './s3-server-objects.js'
import { decode, queryPairs, verify, type Refusal, type S3Key } from './s3-server-signature.js'

export type { S3Key } from './s3-server-signature.js'

export interface S3ServerOptions {
  readonly keys?: readonly S3Key[]
  /** Of buckets that say nothing else. */
  readonly region?: string
  /** Host suffixes for virtual-host style, each with the region it serves; undefined: every region. */
  readonly hosts?: Readonly<Record<string, string | undefined>>
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

export interface S3Request {
  readonly method: string
  readonly host: string
  readonly bucket: string
  readonly key: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  by: 'nobody' | 'header' | 'query' | 'refused'
  status: number
  /** Of the XML error. */
  code: string | undefined
}

export class S3Server {
  readonly requests: S3Request[] = []
  readonly #options: S3ServerOptions
  readonly #buckets = new Map<string, S3Bucket>()
  readonly #server = createServer((request, response) => this.#serve(request, response))
  readonly #refusals: Refusal[] = []
  readonly #cuts: { after: number; then: () => void }[] = []

  private constructor(options: S3ServerOptions) {
    this.#options = options
  }

  static async start(options: S3ServerOptions = {}): Promise<S3Server> {
    const server = new S3Server(options)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Path style. It also takes requests in absolute form, as a proxy does: so any host name leads here. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`
  }

  bucket(name: string, settings: Partial<Pick<S3Bucket, 'public' | 'requesterPays' | 'region'>> = {}): this {
    const region = this.#options.region ?? 'us-east-1'
    const bucket = { name, region, public: false, requesterPays: false, objects: new Map(), ...settings }
    this.#buckets.set(name, bucket)
    return this
  }

  /** Adds a version; returns its id. */
  put(bucket: string, key: string, body: string | Buffer, contentType?: string): string {
    const { objects } = this.#buckets.get(bucket) ?? fail(`there is no bucket ${bucket}`)
    const versions = objects.get(key) ?? []
    const versionId = `v${versions.length + 1}.${'x'.repeat(20)}`
    objects.set(key, [...versions, makeVersion(body, versionId, contentType)])
    return versionId
  }

  /** The next request is refused so, whatever it is. */
  refuseNext(refusal: Refusal): void {
    this.#refusals.push(refusal)
  }

  /** The next body with more than `after` bytes breaks off there; `then` runs first. */
  cutNext(after: number, then: () => void = () => undefined): void {
    this.#cuts.push({ after, then })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(message: IncomingMessage, response: ServerResponse): void {
    const headers = Object.fromEntries(Object.entries(message.headersDistinct).map(([n, v]) => [n, v?.join(',') ?? '']))
    const absolute = /^http:\/\/([^/?]+)(.*)$/.exec(message.url ?? '')
    const target = absolute?.[2] ?? message.url ?? ''
    const host = absolute?.[1] ?? headers['host'] ?? ''
    const [path = '', query = ''] = target.split(/\?(.*)/s)
    const [suffix, hostRegion] =
      Object.entries(this.#options.hosts ?? {}).find(([s]) => bare(host).endsWith(`.${s}`)) ?? []
    const inHost = suffix === undefined ? undefined : bare(host).slice(0, -suffix.length - 1)
    const [bucket, ...rest] = inHost === undefined ? decode(path).slice(1).split('/') : [inHost, decode(path).slice(1)]
    const request: S3Request = {
      method: message.method ?? '',
      host,
      bucket: bucket ?? '',
      key: rest.join('/'),
      url: target,
      headers,
      by: 'refused',
      status: 0,
      code: undefined,
    }
    this.requests.push(request)
    this.#write(request, this.#answer(request, path, query, hostRegion), response)
  }

  #answer(request: S3Request, path: string, query: string, hostRegion: string | undefined): S3Answer | Refusal {
    const scripted = this.#refusals.shift()
    if (scripted !== undefined) return scripted
    const { method, headers } = request
    if (method !== 'GET' && method !== 'HEAD') return no(405, 'MethodNotAllowed')
    const bucket = this.#buckets.get(request.bucket)
    if (bucket === undefined) return no(404, 'NoSuchBucket')
    if (hostRegion !== undefined && hostRegion !== bucket.region) {
      return no(301, 'PermanentRedirect', {
        Bucket: bucket.name,
        Endpoint: `${bucket.name}.s3-${bucket.region}.example`,
      })
    }
    const now = (this.#options.now ?? Date.now)()
    const expected = { keys: this.#options.keys ?? [], region: bucket.region, now }
    const verdict = verify({ method, path, query, headers }, expected)
    if ('refusal' in verdict) return verdict.refusal
    request.by = verdict.by
    const parameters = new Map(queryPairs(query))
    if (verdict.by === 'nobody') {
      if (!bucket.public) return no(403, 'AccessDenied')
      if ([...parameters.keys()].some((name) => name.startsWith('response-'))) return no(400, 'InvalidRequest')
    }
    const pays = headers['x-amz-request-payer'] ?? parameters.get('x-amz-request-payer')
    if (bucket.requesterPays && pays !== 'requester') return no(403, 'AccessDenied')
    if (request.key !== '') return readObject(bucket, request.key, parameters, headers)
    return parameters.get('list-type') === '2' ? listObjects(bucket, parameters) : no(501, 'NotImplemented')
  }

  #write(request: S3Request, answer: S3Answer | Refusal, response: ServerResponse): void {
    const region = this.#buckets.get(request.bucket)?.region
    const body = 'code' in answer ? errorBody(answer) : answer.body
    const headers: Record<string, string> = {
      date: new Date((this.#options.now ?? Date.now)()).toUTCString(),
      server: 'strict-s3',
      ...('code' in answer ? { 'content-type': 'application/xml' } : answer.headers),
      ...('code' in answer && [301, 400].includes(answer.status) && region !== undefined
        ? { 'x-amz-bucket-region': region }
        : {}),
    }
    if (answer.status !== 304) headers['content-length'] = String(body.length)
    request.status = answer.status
    request.code = 'code' in answer ? answer.code : undefined
    response.writeHead(answer.status, headers)
    if (request.method === 'HEAD' || answer.status === 304) {
      response.end()
      return
    }
    const cut = body.length > (this.#cuts[0]?.after ?? Infinity) ? this.#cuts.shift() : undefined
    if (cut === undefined) {
      response.end(body)
      return
    }
    response.write(body.subarray(0, cut.after), () => {
      cut.then()
      response.socket?.end()
    })
  }
}

function no(status: number, code: string, more: Record<string, string> = {}): Refusal {
  return { status, code, message: code.replace(/(?<=[a-z])(?=[A-Z])/g, ' '), more }
}

function bare(host: string): string {
  return host.replace(/:\d+$/, '')
}

function fail(message: string): never {
  throw new Error(message)
}
