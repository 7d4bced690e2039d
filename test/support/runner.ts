/**
 * Processes that run commands of kiss one after another; a second command at the same time gets another process, and so does
 * a command of another copy of kiss.
 */
import { fork, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { PassThrough, type Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Command, Ran } from './cli.js'
import { environment } from './processes.js'
import type { RunRequest, RunResult, SignalRequest } from './runner-process.js'

const program = fileURLToPath(new URL('./runner-process.js', import.meta.url))
/** The last byte of a live run on each stream: runner-process.ts, whose import would run it. */
const END_OF_RUN = 0
/** By the program. */
const idle = new Map<string, ChildProcess[]>()

export type SharedRun = Omit<RunRequest, 'live'>

/** @throws Error when the process dies */
export function runInSharedProcess(request: SharedRun): Promise<RunResult> {
  const runner = takeRunner(request.bin)
  runner.stderr!.pipe(process.stderr, { end: false })
  return new Promise((resolve, reject) => {
    runner.once('exit', (code, signal) =>
      reject(new Error(`the process that runs the commands ended: ${code ?? signal}`)),
    )
    runner.once('message', (result: RunResult) => {
      runner.stderr!.unpipe()
      if (result.isSpent) runner.kill()
      else rest(runner, request.bin)
      resolve(result)
    })
    runner.send({ ...request, live: false } satisfies RunRequest)
  })
}

/** A command that goes on, such as a server. Its output arrives while it is written, and it obeys signals. */
export function startInSharedProcess(request: SharedRun): Command {
  const runner = takeRunner(request.bin)
  const stdout = outputOfRun(runner.stdout!)
  const stderr = outputOfRun(runner.stderr!)
  const texts = Promise.all([textOf(stdout), textOf(stderr)])
  let [isRunning, isSpent] = [true, false]
  const end = new Promise<Pick<Ran, 'code' | 'signal'>>((resolve) => {
    runner.once('close', (code, signal) => {
      stdout.end()
      stderr.end()
      resolve({ code, signal })
    })
    runner.once('message', ({ code, isSpent: spent }: RunResult) => {
      isSpent = spent
      resolve({ code, signal: null })
    })
  })
  const ended = end.then(async ({ code, signal }): Promise<Ran> => {
    isRunning = false
    const [said, reported] = await texts
    if (isSpent) runner.kill()
    else if (runner.exitCode === null && runner.signalCode === null) rest(runner, request.bin)
    return { code, signal, stdout: said, stderr: reported }
  })
  const kill = (signal: NodeJS.Signals): void => {
    if (!isRunning) return
    if (signal === 'SIGKILL') runner.kill(signal)
    else runner.send({ signal } satisfies SignalRequest)
  }
  runner.send({ ...request, live: true } satisfies RunRequest)
  return { child: { stdout, stderr, kill }, ended }
}

function takeRunner(bin: string): ChildProcess {
  const runner =
    idle.get(bin)?.pop() ??
    fork(program, { env: environment, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], serialization: 'advanced' })
  runner.removeAllListeners('exit').removeAllListeners('close')
  runner.ref()
  runner.channel?.ref()
  for (const stream of outputs(runner)) stream.ref()
  return runner
}

/** An idle process does not keep the tests alive, and ends with them. */
function rest(runner: ChildProcess, bin: string): void {
  const resting = idle.get(bin) ?? []
  idle.set(bin, resting)
  runner.unref()
  runner.channel?.unref()
  for (const stream of outputs(runner)) stream.unref()
  runner.removeAllListeners('exit')
  runner.once('exit', () => resting.splice(resting.indexOf(runner), 1))
  resting.push(runner)
}

const outputs = ({ stdout, stderr }: ChildProcess): Socket[] => [stdout, stderr] as Socket[]

/** What one live run writes to a stream of its process. */
function outputOfRun(stream: Readable): PassThrough {
  const output = new PassThrough()
  const take = (chunk: Buffer): void => {
    const isLast = chunk.at(-1) === END_OF_RUN
    output.write(isLast ? chunk.subarray(0, -1) : chunk)
    if (!isLast) return
    stream.off('data', take)
    output.end()
  }
  stream.on('data', take).resume()
  return output
}

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  await new Promise((resolve) => stream.once('close', resolve))
  return text
}
