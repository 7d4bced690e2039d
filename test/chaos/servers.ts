/** The processes of the chaos run: servers with workers on one cache directory, killed or stopped at random, started again. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { project } from '../support/cli.js'
import { childrenOf } from '../support/processes.js'
import type { ChaosReport } from './report.js'

const witness = fileURLToPath(new URL('witness.js', import.meta.url))
const program = path.join(project, 'bin/run.js')
/** Milliseconds. */
const SETTLE = 120_000

export interface ServersOptions {
  readonly root: string
  readonly cacheDir: string
  readonly count: number
  readonly workers: number
  readonly flags: readonly string[]
}

interface Server {
  child: ChildProcess
  url: string
  /** Resolves when it listens (again). */
  ready: Promise<void>
  /** Its first worker has to start before anybody is served. */
  isStarting: boolean
}

export class Servers {
  readonly #o: ServersOptions
  readonly #servers: Server[] = []
  /** Those of `run`. */
  readonly #commands = new Set<number>()
  /** Each resolves when its process goes on. */
  readonly #frozen = new Set<Promise<void>>()

  private constructor(options: ServersOptions) {
    this.#o = options
  }

  static async start(options: ServersOptions): Promise<Servers> {
    const servers = new Servers(options)
    for (let i = 0; i < options.count; i++) {
      const server: Server = { child: undefined as never, url: '', ready: Promise.resolve(), isStarting: true }
      servers.#servers.push(server)
      await servers.#launch(server)
    }
    return servers
  }

  get urls(): string[] {
    return this.#servers.map(({ url }) => url)
  }

  /** The pids of all that serve. */
  workers(): number[] {
    return this.#servers.flatMap(({ child }) => childrenOf(child.pid))
  }

  /** False where there was nobody to kill just then. */
  killWorker(pick: (pids: readonly number[]) => number): boolean {
    const pids = this.workers()
    if (pids.length === 0) return false
    return signal(pick(pids), 'SIGKILL')
  }

  /**
   * Stops a worker or a command, as a debugger or a suspended machine does; false where there was nobody to stop just then. The
   * only worker of a server that starts is left alone: the server would be away for as long as that worker stands still.
   */
  freeze(pick: (pids: readonly number[]) => number, milliseconds: number): boolean {
    const serving = this.#servers.filter(({ isStarting }) => !isStarting)
    const pids = [...serving.flatMap(({ child }) => childrenOf(child.pid)), ...this.#commands]
    if (pids.length === 0) return false
    const pid = pick(pids)
    if (!signal(pid, 'SIGSTOP')) return false
    const thawed: Promise<void> = sleep(milliseconds).then(() => {
      signal(pid, 'SIGCONT')
      this.#frozen.delete(thawed)
    })
    this.#frozen.add(thawed)
    return true
  }

  /**
   * Kills a whole server, whose workers end with it, and starts it again at the same address. A worker that is stopped would
   * hold on to the port.
   */
  killServer(index: number): void {
    const server = this.#servers[index]!
    server.ready = server.ready.then(async () => {
      server.isStarting = true
      if (server.child.exitCode === null) {
        const gone = once(server.child, 'exit')
        for (const pid of childrenOf(server.child.pid)) signal(pid, 'SIGCONT')
        server.child.kill('SIGKILL')
        await gone
      }
      await this.#launch(server)
    })
  }

  /**
   * Throws if not every worker is there within two minutes after the last of them went on. A server ends by itself if its
   * workers were killed five times in a row before they listened; a service manager would start it again.
   */
  async settled(): Promise<void> {
    await Promise.all(this.#frozen)
    for (const server of this.#servers) {
      server.ready = server.ready.then(async () => {
        if (server.child.exitCode !== null) await this.#launch(server)
      })
    }
    const giveUp = performance.now() + SETTLE
    await Promise.race([
      Promise.all(this.#servers.map(({ ready }) => ready)),
      sleep(SETTLE, undefined, { ref: false }).then(() => {
        throw new Error('a server does not listen again; see its log')
      }),
    ])
    const expected = this.#o.count * this.#o.workers
    for (let found = 0; found < expected; found = this.workers().length) {
      if (performance.now() > giveUp) throw new Error(`${found} of ${expected} workers have come back; see the log`)
      await sleep(50)
    }
  }

  /** With SIGTERM; the exit codes. */
  async end(): Promise<(number | null)[]> {
    return Promise.all(
      this.#servers.map(async ({ child }) => {
        const gone = once(child, 'exit') as Promise<[number | null]>
        child.kill('SIGTERM')
        return (await gone)[0]
      }),
    )
  }

  /** However it went: nothing is left running. */
  abandon(): void {
    // A worker that is stopped does not see that its primary is dead.
    for (const pid of [...this.workers(), ...this.#commands]) signal(pid, 'SIGKILL')
    for (const { child } of this.#servers) child.kill('SIGKILL')
  }

  /** `kiss` with these arguments on the same directory; standard output, whatever the exit code. */
  async run(args: readonly string[]): Promise<{ code: number | null; stdout: Buffer }> {
    const child = this.#spawn(args)
    const { pid = 0 } = child
    this.#commands.add(pid)
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    const [code] = (await once(child, 'close')) as [number | null]
    this.#commands.delete(pid)
    return { code, stdout: Buffer.concat(chunks) }
  }

  async #launch(server: Server): Promise<void> {
    const port = server.url === '' ? '0' : new URL(server.url).port
    // The port may be held for a moment by a worker that has not yet seen that its primary is dead.
    for (let attempt = 1; ; attempt++) {
      const child = this.#spawn(['serve', '--workers', String(this.#o.workers), '--port', port, ...this.#o.flags])
      server.child = child
      const listening = once(child.stdout!, 'data').then(([line]) => String(line).trim())
      const url = await Promise.race([listening, once(child, 'exit').then(() => undefined)])
      if (url !== undefined) {
        server.url = url
        server.isStarting = false
        return
      }
      if (attempt === 20) throw new Error('a server cannot be started again; see its log')
      await sleep(100)
    }
  }

  #spawn(args: readonly string[]): ChildProcess {
    const { root, cacheDir } = this.#o
    return spawn(process.execPath, ['--import', witness, program, ...args], {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        HOME: root,
        KISS_CACHE_DIR: cacheDir,
        KISS_DEFAULT_TTL: '5s',
        CHAOS_WITNESS: path.join(root, 'witness'),
        CHAOS_CLOCK: path.join(root, 'clock'),
      },
      stdio: ['ignore', 'pipe', openSync(path.join(root, 'log'), 'a')],
    })
  }
}

/** False where the process has died meanwhile. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

export async function verify(servers: Servers): Promise<ChaosReport['verified'][number]> {
  const { stdout } = await servers.run(['verify', '--json'])
  return JSON.parse(stdout.toString()) as ChaosReport['verified'][number]
}
