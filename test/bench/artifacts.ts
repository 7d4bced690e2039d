/** The origin of the benchmarks: a process that serves `/LENGTH/RATE/NAME` and counts the bytes that it sends. */
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

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, length = 0, rate = 0] = /^\/(\d+)\/(\d+)\//.exec(request.url ?? '')?.map(Number) ?? []
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
  const start = Number(range?.[1] ?? 0)
  response.setMaxListeners(0).writeHead(range ? 206 : 200, {
    'content-length': length - start,
    'content-type': 'application/octet-stream',
    'cache-control': 'public, max-age=864000',
    'accept-ranges': 'bytes',
    etag: '"bench"',
    ...(range && { 'content-range': `bytes ${start}-${length - 1}/${length}` }),
  })
  if (request.method === 'HEAD') return void response.end()
  counted.gets++
  const began = performance.now()
  for (let at = start; at < length && !response.destroyed;) {
    const allowed = rate === 0 ? length : start + ((performance.now() - began + TICK) / 1000) * rate
    const offset = at % PIECE.length
    const end = Math.floor(Math.min(length, allowed, at - offset + PIECE.length))
    if (end <= at) {
      await sleep(TICK)
      continue
    }
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
  process.on('message', () => process.send?.(counted))
  process.send?.(typeof address === 'object' ? address?.port : 0)
}
