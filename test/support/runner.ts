/** Processes that run commands of kiss one after another; a second command at the same time gets another process. */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Ran } from './cli.js'
import type { RunRequest } from './runner-process.js'

const program = fileURLToPath(new URL('./runner-process.js', import.meta.url))
const idle: ChildProcess[] = []

/** @throws Error when the process dies */
export function runInSharedProcess(request: RunRequest): Promise<Ran> {
  const runner = idle.pop() ?? fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  runner.ref()
  runner.channel?.ref()
  return new Promise((resolve, reject) => {
    runner.removeAllListeners('exit')
    runner.once('exit', (code, signal) =>
      reject(new Error(`the process that runs the commands ended: ${code ?? signal}`)),
    )
    runner.once('message', (ran: Ran) => {
      rest(runner)
      resolve(ran)
    })
    runner.send(request)
  })
}

/** An idle process does not keep the tests alive, and ends with them. */
function rest(runner: ChildProcess): void {
  runner.unref()
  runner.channel?.unref()
  runner.removeAllListeners('exit')
  runner.once('exit', () => idle.splice(idle.indexOf(runner), 1))
  idle.push(runner)
}
