/** A `kiss serve` whose growth is measured, and what it has used so far. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { project } from '../../support/cli.js'
import { cpuSeconds, peakMemory } from '../measure.js'
import { program } from '../subjects/subject.js'

const kiss = path.join(project, 'bin/run.js')

export interface Server {
  readonly cacheDir: string
  /** Milliseconds from the start of the process to its URL. */
  readonly startUp: number
  readonly base: string
  /** Of an artifact. */
  url(upstream: string): string
  /** CPU seconds so far. */
  cpu(): number
  /** MiB now, and at most. */
  memory(): number
  peak(): number
  stop(): Promise<void>
}

export async function serve(directory: string, args: readonly string[] = []): Promise<Server> {
  const cacheDir = path.join(directory, 'cache')
  mkdirSync(cacheDir, { recursive: true })
  const began = performance.now()
  const all = ['serve', '--port', '0', '--cache-dir', cacheDir, '--allow-upstream', '127.0.0.0/8', ...args]
  // Each start has an output of its own.
  const running = await program(process.execPath, [kiss, ...all], {
    directory: mkdtempSync(path.join(directory, 'run-')),
  })
  const startUp = performance.now() - began
  const base = /http:\/\/[^\s"]+/.exec(running.said())?.[0] ?? ''
  const [pid = 0] = running.pids
  return {
    cacheDir,
    startUp,
    base,
    url: (upstream) => `${base}api/v1/fetch?url=${encodeURIComponent(upstream)}`,
    cpu: () => cpuSeconds(pid),
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024,
    peak: () => peakMemory(pid),
    stop: () => running.stop(),
  }
}

/** Seconds of a command of kiss. */
export function timed(args: readonly string[]): number {
  const began = performance.now()
  const { status, stderr } = spawnSync(process.execPath, [kiss, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  if (status !== 0) throw new Error(`kiss ${args.join(' ')}: exit ${status}: ${String(stderr)}`)
  return (performance.now() - began) / 1000
}
