/**
 * A first download from an origin that limits each connection: by curl, by aria2c with 8 connections, and by `kiss fetch` with
 * one connection and with those of its settings. A run of everything writes the table into docs/tiers.md; `-- --only latency`
 * runs the works whose id begins so, and writes nothing.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { project, Sandbox } from '../support/cli.js'
import { machine } from './machine.js'
import { writeSection } from './page.js'
import { linesOf, textOf, type Row } from './table.js'

const MiB = 1024 * 1024
/** Bytes of a write. */
const WRITE = 128 * 1024
/** Runs of each program for the first byte. */
const FIRST_BYTES = 5

interface Work {
  readonly id: string
  readonly what: string
  readonly size: number
  /** Bytes a second of each connection. */
  readonly rate: number
  /** Milliseconds before each answer. */
  readonly latency: number
}

const works: readonly Work[] = [
  { id: 'rate', what: '400 MiB, 10 MiB/s a connection', size: 400 * MiB, rate: 10 * MiB, latency: 0 },
  {
    id: 'latency',
    what: '200 MiB, 5 MiB/s a connection, 50 ms before each answer',
    size: 200 * MiB,
    rate: 5 * MiB,
    latency: 50,
  },
  { id: 'loopback', what: '400 MiB, no limit', size: 400 * MiB, rate: Infinity, latency: 0 },
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

interface Program {
  readonly name: string
  readonly peer: boolean
  readonly command: readonly string[]
  /** False: it writes no byte to standard output. */
  readonly streams?: false
}

const kiss = [process.execPath, path.join(project, 'bin/run.js'), 'fetch', '-q'] as const
const programs: readonly Program[] = [
  { name: 'curl', peer: true, command: ['curl', '-s'] },
  {
    name: 'aria2c -x8',
    peer: true,
    command: ['aria2c', '-q', '-x8', '-s8', '-k4M', '--allow-overwrite=true'],
    streams: false,
  },
  { name: 'kiss, one connection', peer: false, command: [...kiss, '--connections-per-download', '1'] },
  { name: 'kiss', peer: false, command: kiss },
]

interface Run {
  readonly seconds: number
  /** Milliseconds; undefined if nothing was written to standard output. */
  readonly firstByte: number | undefined
  /** MiB. */
  readonly memory: number
  /** Bytes of the origin for each byte of the body. */
  readonly sent: number
}

/** @param output `-`: the run ends at the first byte */
async function run({ name, command: [file = '', ...args] }: Program, work: Work, output: string): Promise<Run> {
  const origin = await startOrigin(work)
  const sandbox = new Sandbox()
  const env = { PATH: process.env.PATH, HOME: sandbox.home, KISS_CACHE_DIR: sandbox.cacheDir }
  const began = performance.now()
  const child = spawn(file, [...args, '-o', output, origin.url], {
    cwd: sandbox.cwd,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let memory = 0
  const watch = setInterval(() => (memory = Math.max(memory, peakOf(child.pid))), 50)
  let firstByte: number | undefined
  child.stdout.once('data', () => {
    firstByte = performance.now() - began
    child.kill()
  })
  const [status] = (await once(child, 'close')) as [number | null]
  const seconds = (performance.now() - began) / 1000
  clearInterval(watch)
  origin.stop()
  sandbox.remove()
  if (status !== 0 && firstByte === undefined) throw new Error(`${name} failed (${status})`)
  return { seconds, firstByte, memory, sent: origin.sent() }
}

/** MiB that the process had at most; 0 if it has ended. */
function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const chosen = works.filter(({ id }) => id.startsWith(values.only ?? ''))
const rows: Row[] = chosen.flatMap(({ id, what }) => [
  { id: `${id}.time`, what, unit: 's', better: 'less' },
  { id: `${id}.first`, what: 'first byte', unit: 'ms', better: undefined },
  { id: `${id}.memory`, what: 'peak memory', unit: 'MiB', better: undefined },
  { id: `${id}.sent`, what: 'origin bytes / body', unit: '', better: undefined },
])
const results = new Map(rows.map(({ id }) => [id, new Map<string, number[]>()]))
for (const work of chosen) {
  for (const program of programs) {
    const note = (row: string, measured: readonly number[]): unknown =>
      results.get(`${work.id}.${row}`)?.set(program.name, [...measured])
    const { seconds, memory, sent } = await run(program, work, 'out')
    note('time', [seconds])
    note('memory', [memory])
    note('sent', [sent])
    console.error(`${work.what}: ${program.name} ${seconds.toFixed(2)} s`)
    if (program.streams === false) continue
    const first: number[] = []
    for (let i = 0; i < FIRST_BYTES; i++) first.push((await run(program, work, '-')).firstByte ?? Infinity)
    note('first', first)
  }
}
const table = textOf(linesOf(rows, programs, results), programs)
console.log(table)
const aria2 = { name: 'aria2', command: ['aria2c', '--version'] }
const curl = { name: 'curl', command: ['curl', '--version'] }
if (values.only === undefined) writeSection('segments', `${table}\n\nMachine: ${machine([curl, aria2])}.`, 'tiers.md')
