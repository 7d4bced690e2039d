/** A process of its own that serves one artifact at a fixed rate, whoever asks, and counts what it sent. */
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytes } from '../support/bytes.js'

export interface ThrottledOptions {
  /** Bytes. */
  readonly length: number
  /** Bytes per second; Infinity: as fast as it goes. */
  readonly rate: number
}

export interface Counted {
  readonly gets: number
  readonly sent: number
  /** Milliseconds since the epoch: when the first GET came, when its first byte went out, and when its last did. */
  readonly asked: number
  readonly begun: number
  readonly ended: number
}

export class Throttled {
  private constructor(
    readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(options: ThrottledOptions): Promise<Throttled> {
    const rate = Number.isFinite(options.rate) ? options.rate : 0
    const child = fork(fileURLToPath(import.meta.url), [String(options.length), String(rate)])
    const [port] = (await once(child, 'message')) as [number]
    return new Throttled(child, `http://127.0.0.1:${port}/artifact.bin`)
  }

  async counted(): Promise<Counted> {
    this.child.send('count')
    const [counted] = (await once(this.child, 'message')) as [Counted]
    return counted
  }

  stop(): void {
    this.child.kill()
  }
}

/** A piece of the artifact, repeated: what is sent must cost the origin little. */
const PIECE = bytes('bench', 1024 * 1024)
/** Milliseconds between two writes of a throttled body. */
const TICK = 10

async function serve(length: number, rate: number): Promise<void> {
  const counted = { gets: 0, sent: 0, asked: 0, begun: 0, ended: 0 }
  const server = createServer((request, response) => {
    response.setMaxListeners(0)
    counted.asked = Date.now()
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
    const start = Number(range?.[1] ?? 0)
    response.writeHead(range ? 206 : 200, {
      'content-length': length - start,
      etag: '"bench"',
      ...(range && { 'content-range': `bytes ${start}-${length - 1}/${length}` }),
    })
    if (request.method === 'HEAD') return void response.end()
    counted.gets++
    void (async () => {
      const began = Date.now()
      counted.begun = began
      for (let at = start; at < length;) {
        const due = rate === 0 ? length - start : Math.min(length - start, ((Date.now() - began + TICK) / 1000) * rate)
        while (at - start < due && !response.destroyed) {
          const offset = at % PIECE.length
          const chunk = PIECE.subarray(offset, offset + Math.min(PIECE.length - offset, Math.ceil(due - (at - start))))
          at += chunk.length
          counted.sent += chunk.length
          if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')])
        }
        if (response.destroyed) return
        if (at < length) await sleep(TICK)
      }
      counted.ended = Date.now()
      response.end()
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  process.on('message', () => process.send?.(counted))
  process.send?.(typeof address === 'object' ? address?.port : 0)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve(Number(process.argv[2]), Number(process.argv[3]))
