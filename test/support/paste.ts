/** A shell in which the commands of documents run as they stand: `kiss` is on the path, and names of examples are stand-ins. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { collect, listening, project, Sandbox, type Ran, type Running } from './cli.js'

export class PasteShell {
  readonly sandbox = new Sandbox()
  /** Variables of the shell, beside home, path and cache. */
  readonly env: Record<string, string> = {}
  readonly #bin = path.join(this.sandbox.root, 'bin')
  readonly #servers: Running[] = []

  constructor() {
    mkdirSync(this.#bin)
    symlinkSync(path.join(project, 'bin/run.js'), path.join(this.#bin, 'kiss'))
    this.standIn('sudo', 'exec "$@"')
    // Enough for the examples: none looks at what it prints.
    if (spawnSync('jq', ['--version']).error !== undefined) this.standIn('jq', 'cat')
  }

  /** A program of this name. */
  standIn(name: string, script: string): void {
    const file = path.join(this.#bin, name)
    writeFileSync(file, `#!/bin/sh\n${script}\n`)
    chmodSync(file, 0o755)
  }

  /** Starts `kiss serve` on a free port, which may connect to loopback; its URL without the final slash. */
  async serve(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const running = this.sandbox.start(['serve', '--port', '0', '--allow-upstream', '127.0.0.0/8', ...args], {
      env: { ...this.env, ...env },
    })
    this.#servers.push(running)
    return (await listening(running)).replace(/\/$/, '')
  }

  /** Runs a script with bash, every text of `names` replaced by what stands in for it; any command that fails ends it. */
  paste(script: string, names: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const text = Object.entries(names).reduce((result, [name, other]) => result.replaceAll(name, other), script)
    return this.start(text).ended
  }

  /** The same for a script that goes on until it is stopped. */
  start(script: string, env: Readonly<Record<string, string>> = {}): Running {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: this.sandbox.cwd,
      env: {
        PATH: `${this.#bin}:${path.dirname(process.execPath)}:${process.env.PATH ?? ''}`,
        HOME: this.sandbox.home,
        KISS_CACHE_DIR: this.sandbox.cacheDir,
        ...this.env,
        ...env,
      },
    })
    child.stdin.end()
    return { child, ended: collect(child) }
  }

  async remove(): Promise<void> {
    for (const { child, ended } of this.#servers) {
      child.kill('SIGTERM')
      await ended
    }
    this.sandbox.remove()
  }
}
