/** Clients that count and time, and figures of processes. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'

export interface Timed {
  readonly status: number
  readonly bytes: number
  /** Milliseconds from the request to the first byte of the body, and to its last. */
  readonly first: number
  readonly done: number
  /** Bytes that had come so many milliseconds after the request. */
  readonly after: (ms: number) => number
}

/** One GET over a connection of its own, its body counted and thrown away: a client must not be what is measured. */
export function get(url: string): Promise<Timed> {
  const { hostname, port, pathname, search } = new URL(url)
  const began = performance.now()
  const arrivals: [number, number][] = []
  const pool = Buffer.allocUnsafe(256 * 1024)
  return new Promise((resolve, reject) => {
    let head = ''
    let bytes = 0
    let expected = Infinity
    let first = 0
    const finish = (): void => {
      const after = (ms: number): number => arrivals.findLast(([at]) => at <= ms)?.[1] ?? 0
      socket.destroy()
      resolve({ status: Number(head.slice(9, 12)), bytes, first, done: performance.now() - began, after })
    }
    const take = (chunk: Buffer): void => {
      if (expected === Infinity) {
        head += chunk.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        expected = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? NaN)
        bytes = head.length - end - 4
      } else bytes += chunk.length
      const at = performance.now() - began
      if (first === 0 && bytes > 0) first = at
      arrivals.push([at, bytes])
      if (bytes >= expected) finish()
    }
    const socket = connect({
      host: hostname,
      port: Number(port),
      onread: {
        buffer: pool,
        callback: (n, buffer) => {
          take(Buffer.from(buffer.buffer, buffer.byteOffset, n))
          return true
        },
      },
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`closed after ${bytes} bytes`)))
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`)
  })
}

/** Peak resident memory of a process, MiB. */
export function peakMemory(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? NaN) / 1024
}

/** CPU seconds that a process has used. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

export function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN
}

export function report(name: string, figures: Readonly<Record<string, string | number>>): void {
  console.log(name)
  for (const [what, figure] of Object.entries(figures))
    console.log(`  ${what.padEnd(44)} ${typeof figure === 'number' ? figure.toFixed(figure < 10 ? 2 : 0) : figure}`)
}
