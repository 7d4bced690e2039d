/** An origin that fails at random: cuts, resets, stalls, refusals, ranges that are wrong, contents that change on the way. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../server/support/random.js'
import type { ChaosArtifact, Version } from './artifacts.js'

const faults = [
  'refusal',
  'reset',
  'cut',
  'rst',
  'stall',
  'wrong start',
  'wrong total',
  'wrong etag',
  'surplus',
  'long length',
  'huge length',
  'whole',
  'change',
] as const
type Fault = (typeof faults)[number]

/** Bytes and milliseconds: small enough that little is on its way when somebody dies. */
const SLICE = 16 * 1024
const TICK = 3
const NOTHING = Buffer.alloc(0)
/** Milliseconds: longer than the stall timeout of the servers. */
const STALL = 3_000

export class ChaosOrigin {
  readonly counts: Record<string, number> = {}
  requests = 0
  /** Of bodies, as they were handed to sockets. */
  bytes = 0
  /** Share of requests that meet a fault. */
  rate = 0.25
  readonly #artifacts: ReadonlyMap<string, ChaosArtifact>
  readonly #random: Random
  readonly #server: Server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy())
  })

  constructor(artifacts: readonly ChaosArtifact[], random: Random) {
    this.#artifacts = new Map(artifacts.map((artifact) => [artifact.path, artifact]))
    this.#random = random
  }

  get faults(): number {
    return Object.values(this.counts).reduce((sum, n) => sum + n, 0)
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++
    const artifact = this.#artifacts.get(request.url ?? '')
    if (artifact === undefined) return void response.writeHead(404).end()
    const fault = this.#random.next() < this.rate ? this.#random.pick(faults) : undefined
    if (fault === 'refusal') {
      this.#count(fault)
      const status = this.#random.pick([500, 502, 503, 503, 504, 429])
      return void response.writeHead(status, this.#random.next() < 0.5 ? { 'retry-after': '0' } : {}).end('not now')
    }
    if (fault === 'reset') {
      this.#count(fault)
      return void request.socket.resetAndDestroy()
    }
    await this.#represent(artifact, fault, request, response)
  }

  async #represent(
    artifact: ChaosArtifact,
    fault: Fault | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const version = artifact.current
    const { body } = version
    const ranges = artifact.manner !== 'no ranges'
    const headers: Record<string, string> = { 'accept-ranges': ranges ? 'bytes' : 'none' }
    if (version.etag !== undefined) headers.etag = version.etag
    if (version.lastModified !== undefined) headers['last-modified'] = version.lastModified
    if (unchanged(version, request)) return void response.writeHead(304, headers).end()
    const range = ranges && fault !== 'whole' ? rangeOf(version, request) : undefined
    const first = range?.first
    const end = Math.min(range?.end ?? Infinity, body.length)
    if (fault === 'whole' && request.headers.range !== undefined) this.#count(fault)
    if (first !== undefined && first >= body.length) {
      return void response.writeHead(416, { ...headers, 'content-range': `bytes */${body.length}` }).end()
    }
    let start = first ?? 0
    let total = body.length
    if (first !== undefined && fault === 'wrong start') {
      this.#count(fault)
      start = this.#random.below(end)
    }
    if (first !== undefined && fault === 'wrong total') {
      this.#count(fault)
      total += 1 + this.#random.below(100)
    }
    if (first !== undefined && fault === 'wrong etag') {
      this.#count(fault)
      headers.etag = '"another"'
    }
    if (first !== undefined) headers['content-range'] = `bytes ${start}-${end - 1}/${total}`
    if (artifact.manner !== 'chunked') headers['content-length'] = String(Math.max(0, end - start))
    if (fault === 'long length' || fault === 'huge length') {
      this.#count(fault)
      const length = fault === 'huge length' ? 2 ** 40 : end - start + 1 + this.#random.below(1000)
      headers['content-length'] = String(length)
      if (first === undefined) artifact.lies.add(length)
    }
    const surplus =
      first !== undefined && fault === 'surplus' ? Buffer.alloc(1 + this.#random.below(1000), 'surplus') : NOTHING
    if (surplus.length > 0) {
      this.#count(fault ?? '')
      if (artifact.manner !== 'chunked') headers['content-length'] = String(end - start + surplus.length)
    }
    response.writeHead(first === undefined ? 200 : 206, headers)
    if (request.method === 'HEAD') return void response.end()
    await this.#send(artifact, Buffer.concat([body.subarray(start, end), surplus]), fault, response)
  }

  async #send(
    artifact: ChaosArtifact,
    body: Buffer,
    fault: Fault | undefined,
    response: ServerResponse,
  ): Promise<void> {
    const troubled = ['cut', 'rst', 'stall', 'change'].includes(fault ?? '')
    const at = troubled ? this.#random.below(body.length + 1) : Infinity
    response.flushHeaders()
    for (let sent = 0; ;) {
      if (sent === at && fault !== undefined) {
        this.#count(fault)
        if (fault === 'cut') response.socket?.destroySoon()
        if (fault === 'rst') response.socket?.resetAndDestroy()
        if (fault === 'change') {
          artifact.change(this.#random)
          response.socket?.destroySoon()
        }
        if (fault !== 'stall') return
        await sleep(STALL)
      }
      if (sent === body.length || response.destroyed) break
      const end = Math.min(body.length, sent + SLICE, sent < at ? at : Infinity)
      this.bytes += end - sent
      response.write(body.subarray(sent, end))
      sent = end
      await sleep(TICK)
      while (response.writableNeedDrain && !response.closed) await sleep(TICK)
    }
    // The rest of what was announced never comes.
    if (fault === 'long length' || fault === 'huge length') response.socket?.destroySoon()
    else response.end()
  }

  #count(fault: string): void {
    this.counts[fault] = (this.counts[fault] ?? 0) + 1
  }
}

/** RFC 9110 §13.1.2 and §13.1.3, weak comparison. */
function unchanged(version: Version, request: IncomingMessage): boolean {
  const opaque = (tag: string | undefined): string | undefined => tag?.replace(/^W\//, '')
  const tag = request.headers['if-none-match']
  if (tag !== undefined) return opaque(tag) === opaque(version.etag)
  const date = request.headers['if-modified-since']
  return date !== undefined && date === version.lastModified
}

/** RFC 9110 §13.1.5: strong comparison. */
function rangeOf(
  version: Version,
  request: IncomingMessage,
): { readonly first: number; readonly end: number } | undefined {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  if (range === null) return undefined
  const validator = request.headers['if-range']?.toString()
  const applies = validator === undefined || validator === version.etag || validator === version.lastModified
  return applies && validator?.startsWith('W/') !== true
    ? { first: Number(range[1]), end: range[2] === '' ? Infinity : Number(range[2]) + 1 }
    : undefined
}
