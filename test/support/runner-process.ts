/**
 * Runs commands of kiss one after another in one process: a start of Node and the loading of the modules cost more CPU
 * than most commands. Each run gets its own environment, working directory, standard streams, listeners and exit code.
 */
import { Console } from 'node:console'
import type { EventEmitter } from 'node:events'
import path from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import type { Ran } from './cli.js'

export interface RunRequest {
  /** The program, such as `bin/run.js`; its bundle is what runs. */
  readonly bin: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Standard input, to its end. */
  readonly input: string
}

type Listener = Parameters<EventEmitter['on']>[1]

const exit = process.exit.bind(process)
process.on('disconnect', () => exit())
process.on('message', (request: RunRequest) => {
  void runOnce(request).then((ran) => process.send!(ran))
})

async function runOnce({ bin, args, env, cwd, input }: RunRequest): Promise<Ran> {
  const bundle = pathToFileURL(path.join(path.dirname(bin), '../dist/bundle/cli/run.js')).href
  const { run } = (await import(bundle)) as { run: (argv: readonly string[]) => Promise<void> }
  const known = listenersOfProcess()
  const stdout = new Collected()
  const stderr = new Collected()
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name)
  Object.assign(process.env, env, { OCLIF_DISABLE_ENGINE_WARNING: '1' })
  process.chdir(cwd)
  process.argv = [process.execPath, bin, ...args]
  process.exitCode = undefined
  replace('stdin', Readable.from(input === '' ? [] : [Buffer.from(input)], { objectMode: false }))
  replace('stdout', stdout)
  replace('stderr', stderr)
  // The console keeps the streams of its first use.
  globalThis.console = new Console(stdout, stderr)
  const code = await new Promise<number>((resolve, reject) => {
    process.exit = (given) => {
      resolve(Number(given ?? process.exitCode ?? 0))
      return undefined as never
    }
    run(args).catch(reject)
  })
  for (const [event, listener] of listenersOfProcess()) {
    if (known.some((each) => each[0] === event && each[1] === listener)) continue
    process.off(event, listener)
    if (event === 'exit') listener(code)
  }
  process.chdir('/')
  return { code, signal: null, stdout: stdout.text, stderr: stderr.text }
}

function replace(name: 'stdin' | 'stdout' | 'stderr', stream: Readable | Writable): void {
  Object.defineProperty(process, name, { value: stream, configurable: true })
}

function listenersOfProcess(): [string | symbol, Listener][] {
  return process
    .eventNames()
    .flatMap((event) =>
      process.rawListeners(event as 'exit').map((each): [typeof event, Listener] => [event, each as Listener]),
    )
}

/** A standard stream that is no terminal. */
class Collected extends Writable {
  readonly #chunks: Buffer[] = []

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // A writer may use its buffer again.
    this.#chunks.push(Buffer.from(chunk))
    done()
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString()
  }
}
