/**
 * The origin of the benchmarks: a process that serves `/LENGTH/RATE/NAME` and counts the bytes that it sends. The first GET
 * of a NAME that begins with `busy-` gets 503, and one of `cut-` gets half of the body. A NAME that begins with `moving-`
 * has versions, and caches that follow Cache-Control validate it after a second.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { bytes } from '../support/bytes.js'

export interface Counted {
  readonly gets: number
  readonly bytes: number
}

export class Artifacts {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  static async start(): Promise<Artifacts> {
    const child = fork(fileURLToPath(import.meta.url), ['serve'])
    const [port] = (await once(child, 'message')) as [number]
    return new Artifacts(child, port)
  }

  /** @param length bytes @param rate bytes a second; 0 is as fast as the network takes them */
  path(length: number, rate: number, name: string): string {
    return `/${Math.round(length)}/${Math.round(rate)}/${name}`
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`
  }

  /** From now on a moving name has other content. */
  change(name: string): void {
    this.child.send({ change: name })
  }

  /** Requests and bytes since the start. */
  async counted(): Promise<Counted> {
    this.child.send('count')
    const [counted] = (await once(this.child, 'message')) as [Counted]
    return counted
  }

  stop(): void {
    this.child.kill()
  }
}

/** Every artifact is this piece, repeated, because its making must not cost the origin anything. */
const PIECE = bytes('bench', 1024 * 1024)
/** Milliseconds between two writes of a throttled body. */
const TICK = 10

const counted = { gets: 0, bytes: 0 }
const versions = new Map<string, number>()
/** Names whose first GET has failed as it should. */
const failed = new Set<string>()

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, length = 0, rate = 0] = /^\/(\d+)\/(\d+)\//.exec(request.url ?? '')?.map(Number) ?? []
  const name = request.url?.split('/')[3] ?? ''
  const etag = `"bench-${versions.get(name) ?? 1}"`
  const moving = name.startsWith('moving-')
  const fails = request.method === 'GET' && /^(?:busy|cut)-/.test(name) && !failed.has(name)
  if (fails) failed.add(name)
  const headers = { etag, 'cache-control': `public, max-age=${moving ? 1 : 864_000}` }
  if (request.method === 'GET') counted.gets++
  if (fails && name.startsWith('busy-')) return void response.writeHead(503).end()
  if (request.headers['if-none-match'] === etag) return void response.writeHead(304, headers).end()
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
  const start = Number(range?.[1] ?? 0)
  response.setMaxListeners(0).writeHead(range ? 206 : 200, {
    'content-length': length - start,
    // Without Accept-Ranges: every server has one connection here. `bench:segments` measures ranges in parallel.
    'content-type': 'application/octet-stream',
    ...headers,
    ...(range && { 'content-range': `bytes ${start}-${length - 1}/${length}` }),
  })
  if (request.method === 'HEAD') return void response.end()
  const stop = fails ? length / 2 : length
  const began = performance.now()
  for (let at = start; at < length && !response.destroyed;) {
    const allowed = rate === 0 ? length : start + ((performance.now() - began + TICK) / 1000) * rate
    const offset = at % PIECE.length
    const end = Math.floor(Math.min(length, allowed, at - offset + PIECE.length))
    if (end <= at) {
      await sleep(TICK)
      continue
    }
    if (end > stop) return void response.destroy()
    counted.bytes += end - at
    const flowing = response.write(PIECE.subarray(offset, offset + end - at))
    at = end
    if (!flowing) await Promise.race([once(response, 'drain'), once(response, 'close')])
  }
  response.end()
}

if (process.argv[2] === 'serve' && process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()))
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  process.on('message', (message: 'count' | { change: string }) => {
    if (message === 'count') process.send?.(counted)
    else versions.set(message.change, (versions.get(message.change) ?? 1) + 1)
  })
  process.send?.(typeof address === 'object' ? address?.port : 0)
}
