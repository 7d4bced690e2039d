/** A server that is measured, and what all of them share: a process on loopback in a directory of its own. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { until } from '../../support/until.js'

export interface Subject {
  readonly name: string
  /** False: a reference, such as a server without a cache. Ratios are never to it. */
  readonly peer: boolean
  /** Why it cannot run here. */
  missing?(): string | undefined
  /** @param directory empty, for all of its files @param origin `http://127.0.0.1:PORT` of the artifacts */
  start(directory: string, origin: string): Promise<Started>
}

export interface Started {
  /** @param path of an artifact at the origin @param ttl seconds, for kiss alone: the others obey Cache-Control */
  url(path: string, ttl?: number): string
  /** The first processes; the others are their descendants. */
  readonly pids: readonly number[]
  stop(): Promise<void>
}

/** Debian puts servers where only root looks. */
export const searchPath = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`

export function notInstalled(program: string, versionFlag: string): string | undefined {
  const { error } = spawnSync(program, [versionFlag], { env: { PATH: searchPath } })
  return error === undefined ? undefined : `${program} is not installed`
}

export interface ProgramOptions {
  readonly directory: string
  readonly env?: Readonly<Record<string, string>>
  /** Where it will answer. Without one, the program prints its URL. */
  readonly port?: number
}

/** Starts a server and waits for its port. Its output goes to `output` in the directory. */
export async function program(file: string, args: readonly string[], options: ProgramOptions): Promise<Program> {
  const output = path.join(options.directory, 'output')
  const log = openSync(output, 'a')
  const child = spawn(file, args, {
    cwd: options.directory,
    env: { PATH: searchPath, HOME: options.directory, ...options.env },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const ended = once(child, 'close')
  const said = (): string => readFileSync(output, 'utf8')
  const { port } = options
  await until(`${file} listens`, async () => {
    if (child.exitCode !== null) throw new Error(`${file} does not start: ${said()}`)
    return port === undefined ? /http:\/\/\S+/.test(said()) : answers(port)
  })
  return {
    pids: [child.pid ?? 0],
    said,
    async stop() {
      child.kill('SIGTERM')
      const hangs = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(hangs)
    },
  }
}

export interface Program {
  readonly pids: readonly number[]
  said(): string
  stop(): Promise<void>
}

function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).then(
    (response) => response.text().then(() => true),
    () => false,
  )
}
