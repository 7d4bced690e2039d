/** Runs kiss as a user would, in a home of its own, and collects exit code, stdout and stderr. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { runInSharedProcess, startInSharedProcess, type SharedRun } from './runner.js'

/** The folder of the project: the tests run from test/dist/support. */
export const project = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')
const program = path.join(project, 'bin/run.js')
/** Variables that Node and its libraries read only when a process starts. */
const READ_AT_START = /^(?:NODE_|UV_|LD_|DEBUG$|FORCE_COLOR$)/

export interface Ran {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Added to the environment; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Standard input; none: at its end. */
  readonly input?: string
  readonly cwd?: string
  /** Another path to the program, such as a symlink. */
  readonly bin?: string
}

/** A command that is still running, and what becomes of it. */
export interface Command {
  readonly child: {
    readonly stdout: Readable
    readonly stderr: Readable
    kill(signal: NodeJS.Signals): void
  }
  readonly ended: Promise<Ran>
}

/** The same in a process of its own. */
export interface Running extends Command {
  readonly child: ChildProcessWithoutNullStreams
}

/** A temporary home, working directory and cache. Nothing of the caller's environment gets in but PATH. */
export class Sandbox {
  readonly root = realpathSync(mkdtempSync(path.join(tmpdir(), 'kiss-cli-')))
  readonly home = path.join(this.root, 'home')
  readonly cwd = path.join(this.root, 'work')
  readonly cacheDir = path.join(this.root, 'cache')
  /** Where the configuration file is looked for. */
  readonly configFile = path.join(this.home, '.config', 'kiss', 'config.yaml')

  constructor() {
    mkdirSync(path.dirname(this.configFile), { recursive: true })
    mkdirSync(this.cwd)
  }

  start(args: readonly string[], { env, input, cwd = this.cwd, bin = program }: RunOptions = {}): Running {
    const child = spawn(process.execPath, [bin, ...args], { cwd, env: this.#environment(env) })
    child.stdin.on('error', () => undefined)
    child.stdin.end(input ?? '')
    return { child, ended: collect(child) }
  }

  /**
   * Runs a command to its end. It shares a process with other runs (support/runner.ts). What only a process of its own
   * can show, such as a signal, a broken pipe or the start itself, needs `start`.
   */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    if (needsProcess(options)) return this.start(args, options).ended
    const { code, stdout, stderr } = await runInSharedProcess(this.#request(args, options))
    return { code, signal: null, stdout: stdout.toString(), stderr: stderr.toString() }
  }

  /** Starts `kiss serve` in a process that has run other commands. Signals reach the server alone. */
  startServer(args: readonly string[], options: RunOptions = {}): Command {
    if (needsProcess(options)) return this.start(['serve', ...args], options)
    return startInSharedProcess(this.#request(['serve', ...args], options))
  }

  #request(args: readonly string[], { env, input = '', cwd = this.cwd, bin = program }: RunOptions): SharedRun {
    return { bin: realpathSync(bin), args, env: this.#environment(env), cwd, input }
  }

  #environment(added: RunOptions['env']): Record<string, string> {
    const all = {
      PATH: process.env.PATH,
      HOME: this.home,
      KISS_CACHE_DIR: this.cacheDir,
      // Tests of the lines and bars take it away.
      KISS_NO_PROGRESS: 'true',
      NODE_V8_COVERAGE: process.env.NODE_V8_COVERAGE,
      ...added,
    }
    return Object.fromEntries(Object.entries(all).filter((each): each is [string, string] => each[1] !== undefined))
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

function needsProcess({ env = {} }: RunOptions): boolean {
  return Object.keys(env).some((name) => READ_AT_START.test(name))
}

/** All that a process says, until its end. */
export async function collect(child: ChildProcessWithoutNullStreams): Promise<Ran> {
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** The URL that `kiss serve` prints first. Rejects when it ends instead. */
export async function listening({ child, ended }: Command): Promise<string> {
  const failed = ended.then(({ code, stderr }) => Promise.reject(new Error(`exit code ${code}: ${stderr}`)))
  return Promise.race([firstLine(child.stdout), failed])
}

/** Without its end; the text may arrive in pieces. */
export function firstLine(stream: Readable): Promise<string> {
  let text = ''
  return new Promise((resolve) => {
    const look = (chunk: Buffer | string): void => {
      text += chunk.toString()
      if (!text.includes('\n')) return
      stream.off('data', look)
      resolve(text.slice(0, text.indexOf('\n')))
    }
    stream.on('data', look)
  })
}
