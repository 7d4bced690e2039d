/**
 * Lints while the tests run, at a low priority: the linters take the time in which the tests wait. Their report comes after
 * that of the tests, and either can fail the run. A Ctrl-C reaches all of them, because they are one group of processes.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

const exited = async (child: ChildProcess): Promise<number> => {
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

process.on('SIGINT', () => undefined)
const linting = spawn('nice', ['npm', 'run', '--silent', 'lint'], { stdio: ['ignore', 'pipe', 'pipe'] })
const report = Promise.all([exited(linting), text(linting.stdout), text(linting.stderr)])
const testing = spawn('npm', ['run', '--silent', 'test:run'], { stdio: 'inherit' })
const tests = await exited(testing)
const [lint, ...output] = await report
if (lint !== 0) console.log(`${output.join('')}\n  the linters failed, see above`)
process.exitCode = tests === 0 ? lint : tests
