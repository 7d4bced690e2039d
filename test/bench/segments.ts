/**
 * A first download from an origin that limits each connection: by curl, by aria2c with 8 connections, and by `kiss fetch` with
 * one connection and with those of its settings.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { project, Sandbox } from '../support/cli.js'

const MiB = 1024 * 1024
/** Bytes of a write. */
const WRITE = 128 * 1024

interface Work {
  readonly size: number
  /** Bytes a second of each connection. */
  readonly rate: number
  /** Milliseconds before each answer. */
  readonly latency: number
}

const works: readonly Work[] = [
  { size: 400 * MiB, rate: 10 * MiB, latency: 0 },
  { size: 200 * MiB, rate: 5 * MiB, latency: 50 },
  { size: 400 * MiB, rate: Infinity, latency: 0 },
]

/** An origin with one artifact, ranges and a strong entity tag. */
async function startOrigin({ size, rate, latency }: Work) {
  const body = Buffer.alloc(size, 'kiss')
  let sent = 0
  const server = createServer((request, response) => {
    void (async () => {
      const [, first = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
      const [start, end] = [Number(first), last === '' ? size : Number(last) + 1]
      const isPart = request.headers.range !== undefined
      await sleep(latency)
      response.writeHead(isPart ? 206 : 200, {
        'Content-Length': end - start,
        ETag: '"1"',
        'Accept-Ranges': 'bytes',
        ...(isPart && { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }),
      })
      const isOpen = (): boolean => !response.destroyed
      const began = performance.now()
      for (let at = start; at < end && isOpen() && request.method === 'GET';) {
        const next = Math.min(at + WRITE, end)
        response.write(body.subarray(at, next))
        sent += next - at
        at = next
        const early = ((at - start) / rate) * 1000 - (performance.now() - began)
        if (early > 1) await sleep(early)
        while (response.writableNeedDrain && isOpen()) await sleep(1)
      }
      response.end()
    })()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/image`,
    sent: () => sent / size,
    stop: () => server.close().closeAllConnections(),
  }
}

const kiss = [process.execPath, path.join(project, 'bin/run.js'), 'fetch', '-q', '-o', 'out'] as const
const programs: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['curl', ['curl', '-s', '-o', 'out']],
  ['aria2c -x8', ['aria2c', '-q', '-x8', '-s8', '-k4M', '--allow-overwrite=true', '-o', 'out']],
  ['kiss, one connection', [...kiss, '--connections-per-download', '1']],
  ['kiss', kiss],
]

for (const work of works) {
  const rate = work.rate === Infinity ? 'no limit' : `${work.rate / MiB} MiB/s a connection`
  console.log(`${work.size / MiB} MiB, ${rate}, ${work.latency} ms before each answer`)
  for (const [name, [file = '', ...args]] of programs) {
    const origin = await startOrigin(work)
    const sandbox = new Sandbox()
    const env = { PATH: process.env.PATH, HOME: sandbox.home, KISS_CACHE_DIR: sandbox.cacheDir }
    const began = performance.now()
    const child = spawn(file, [...args, origin.url], { cwd: sandbox.cwd, env, stdio: 'ignore' })
    const code = await once(child, 'close').then(
      ([status]) => status as number | null,
      () => 'not installed',
    )
    const seconds = (performance.now() - began) / 1000
    const result = code === 0 ? `${seconds.toFixed(2)} s` : `failed (${code})`
    console.log(`  ${name.padEnd(22)} ${result}, origin bytes / body ${origin.sent().toFixed(3)}`)
    origin.stop()
    sandbox.remove()
  }
}
