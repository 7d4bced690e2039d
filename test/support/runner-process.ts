/**
 * Runs commands of kiss one after another in one process: a start of Node and the loading of the modules cost more CPU
 * than most commands, and ten times as much as the start of a server. Each run gets its own environment, working
 * directory, standard streams, listeners and exit code.
 */
import { Console } from 'node:console'
import type { EventEmitter } from 'node:events'
import path from 'node:path'
import { Readable, Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

export interface RunRequest {
  /** The program, such as `bin/run.js`; its bundle is what runs. */
  readonly bin: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Standard input, to its end. */
  readonly input: string | Buffer
  /** Is the output passed on while it is written, on the standard streams of this process? */
  readonly live: boolean
}

/** Only the code, if the output was passed on. */
export interface RunResult {
  readonly code: number
  /** The command ended in its middle, and its code runs on here: the process must not run another command. */
  readonly isSpent: boolean
  readonly stdout: Buffer
  readonly stderr: Buffer
}

/** A signal for the command that is running. */
export interface SignalRequest {
  readonly signal: NodeJS.Signals
}

/** Follows the output of a live run on both streams. */
export const END_OF_RUN = 0

type Listener = Parameters<EventEmitter['on']>[1]

const exit = process.exit.bind(process)
const own = { stdout: process.stdout, stderr: process.stderr }
process.on('disconnect', () => exit())
process.on('message', (request: RunRequest | SignalRequest) => {
  if ('signal' in request) process.emit(request.signal, request.signal)
  else void runOnce(request).then((result) => process.send!(result))
})

async function runOnce({ bin, args, env, cwd, input, live }: RunRequest): Promise<RunResult> {
  const bundle = pathToFileURL(path.join(path.dirname(bin), '../dist/bundle/cli/run.js')).href
  const { run } = (await import(bundle)) as { run: (argv: readonly string[]) => Promise<void> }
  const known = listenersOfProcess()
  const stdout = new Output(live ? own.stdout : undefined)
  const stderr = new Output(live ? own.stderr : undefined)
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name)
  Object.assign(process.env, env, { OCLIF_DISABLE_ENGINE_WARNING: '1' })
  process.chdir(cwd)
  process.argv = [process.execPath, bin, ...args]
  process.exitCode = undefined
  replace('stdin', Readable.from(input.length === 0 ? [] : [Buffer.from(input)], { objectMode: false }))
  replace('stdout', stdout)
  replace('stderr', stderr)
  // The console keeps the streams of its first use.
  globalThis.console = new Console(stdout, stderr)
  let isOver = false
  const code = await new Promise<number>((resolve, reject) => {
    process.exit = (given) => {
      resolve(Number(given ?? process.exitCode ?? 0))
      return undefined as never
    }
    run(args).then(() => (isOver = true), reject)
  })
  await nextTurn()
  for (const [event, listener] of listenersOfProcess()) {
    if (known.some((each) => each[0] === event && each[1] === listener)) continue
    process.off(event, listener)
    if (event === 'exit') listener(code)
  }
  process.chdir('/')
  if (live) for (const stream of [own.stdout, own.stderr]) stream.write(Buffer.of(END_OF_RUN))
  return { code, isSpent: !isOver, stdout: stdout.collected, stderr: stderr.collected }
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

/** A standard stream that is no terminal. It collects what is written, or passes it on. */
class Output extends Writable {
  readonly #chunks: Buffer[] = []
  readonly #to: Writable | undefined

  constructor(to: Writable | undefined) {
    super()
    this.#to = to
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#to !== undefined) {
      this.#to.write(chunk, done)
      return
    }
    // A writer may use its buffer again.
    this.#chunks.push(Buffer.from(chunk))
    done()
  }

  get collected(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}
