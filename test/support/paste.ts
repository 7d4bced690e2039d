/** A shell in which the commands of documents run as they stand: `kiss` is on the path, and names of examples are stand-ins. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { collect, firstLine, listening, project, Sandbox, type Command, type Ran, type Running } from './cli.js'
import { runInSharedProcess } from './runner.js'

const program = path.join(project, 'bin/run.js')

/**
 * The `kiss` of the shell. A server gets a process of its own. Any other command is written into a folder, runs in a
 * process that has run others before (runner.ts), and leaves its output there.
 */
const kiss = (folder: string, port: number): string => `
case " $* " in
  *" --check "* | *" --print-config "*) ;;
  " serve "*) exec node ${program} "$@" ;;
esac
run=$(mktemp -d ${folder}/run-XXXXXX)
printf '%s\\0' "$#" "$@" > "$run/args"
env -0 > "$run/env"
if [ -p /dev/stdin ] || [ -f /dev/stdin ]; then cat > "$run/input"; fi
exec 3<> /dev/tcp/127.0.0.1/${port}
printf '%s\\n' "$run" >&3
read -r code <&3
cat "$run/stdout"
cat "$run/stderr" >&2
exit "$code"
`

export class PasteShell {
  /** Variables of the shell, beside home, path and cache. */
  readonly env: Record<string, string> = {}
  readonly #bin: string
  readonly #servers: Command[] = []

  static async open(): Promise<PasteShell> {
    const commands = createServer((socket) => void runCommand(socket))
    commands.listen(0, '127.0.0.1')
    await once(commands, 'listening')
    return new PasteShell(new Sandbox(), commands)
  }

  private constructor(
    readonly sandbox: Sandbox,
    /** Gets the folder of each command, and answers with its exit code. */
    readonly commands: Server,
  ) {
    this.#bin = path.join(sandbox.root, 'bin')
    mkdirSync(this.#bin)
    this.standIn('kiss', kiss(sandbox.root, (commands.address() as AddressInfo).port))
    this.standIn('sudo', 'exec "$@"')
    // Enough for the examples: none looks at what it prints.
    if (spawnSync('jq', ['--version']).error !== undefined) this.standIn('jq', 'cat')
  }

  /** A program of this name. */
  standIn(name: string, script: string): void {
    const file = path.join(this.#bin, name)
    writeFileSync(file, `#!/bin/bash\n${script}\n`)
    chmodSync(file, 0o755)
  }

  /** Starts `kiss serve` on a free port, which may connect to loopback; its URL without the final slash. */
  async serve(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const running = this.sandbox.startServer(['--port', '0', '--allow-upstream', '127.0.0.0/8', ...args], {
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
    this.commands.close()
    this.sandbox.remove()
  }
}

/** Runs the command whose folder the socket names, and answers with its exit code. */
async function runCommand(socket: Socket): Promise<void> {
  const folder = await firstLine(socket)
  const texts = (name: string): string[] => readFileSync(path.join(folder, name), 'utf8').split('\0').slice(0, -1)
  const env = Object.fromEntries(texts('env').map((text) => [text.replace(/=.*/s, ''), text.replace(/^.*?=/s, '')]))
  const input = path.join(folder, 'input')
  const { code, stdout, stderr } = await runInSharedProcess({
    bin: program,
    args: texts('args').slice(1),
    env,
    cwd: env['PWD'] ?? '/',
    input: existsSync(input) ? readFileSync(input) : '',
  })
  writeFileSync(path.join(folder, 'stdout'), stdout)
  writeFileSync(path.join(folder, 'stderr'), stderr)
  socket.end(`${code}\n`)
}
