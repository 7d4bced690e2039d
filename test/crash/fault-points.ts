/**
 * Loaded before kiss (`--import`): counts the steps that change the disk, system calls of node:fs and statements of SQLite
 * alike, and ends the process with SIGKILL right before the step whose number is in CRASH_AT. With CRASH_COPIES it copies
 * the directory CRASH_DIRECTORY before every step instead, to a folder named by the number of the step. So the tests meet
 * every state that a crash can leave, and name none of them. Counting begins with {@link arm}, or at once with
 * CRASH_FROM=start.
 */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import sqlite3 from 'sqlite3'

const at = Number(process.env.CRASH_AT ?? Infinity)
const report = process.env.CRASH_REPORT
const { CRASH_COPIES: copies, CRASH_DIRECTORY: directory } = process.env
let armed = process.env.CRASH_FROM === 'start'
let count = 0

/** From here on steps count. */
export function arm(): void {
  armed = true
}

function step(name: string): void {
  count++
  if (report !== undefined) fs.appendFileSync(report, `${name}\n`)
  if (count === at) process.kill(process.pid, 'SIGKILL')
  if (copies !== undefined && directory !== undefined && fs.existsSync(directory)) copy(directory, `${copies}/${count}`)
}

/** Repeats the copy when a thread of the pool removed a file meanwhile. The process of a real crash stands still as well. */
function copy(from: string, to: string): void {
  while (spawnSync('cp', ['-a', from, to]).status !== 0) fs.rmSync(to, { recursive: true, force: true })
}

type Method = (...args: unknown[]) => unknown

function wrap(
  object: object,
  names: readonly string[],
  counts: (args: unknown[]) => boolean = () => true,
  argsOf: (self: unknown, args: unknown[]) => unknown[] = (_, args) => args,
): void {
  const methods = object as Record<string, Method>
  for (const name of names) {
    const original = methods[name]!
    methods[name] = function (this: unknown, ...given: unknown[]) {
      const args = argsOf(this, given)
      // Calls within a call, and those of the counting itself, are no steps.
      const wasArmed = armed
      armed = false
      try {
        if (wasArmed && counts(args)) step(`${name} ${String(args[0]).replace(/\s+/g, ' ').slice(0, 200)}`)
        return original.apply(this, given)
      } finally {
        armed = wasArmed
      }
    }
  }
}

wrap(fs, ['mkdirSync', 'writeFileSync', 'renameSync', 'rmSync', 'rmdirSync', 'unlinkSync', 'utimesSync', 'chmodSync'])
wrap(fs, ['writev', 'writevSync'])
wrap(fs.promises, ['mkdir', 'writeFile', 'rename', 'rm', 'rmdir', 'unlink', 'utimes', 'chmod', 'link'])
// An open that may make or change the file.
const isWriting = ([, flags]: unknown[]): boolean => typeof flags === 'string' && flags !== 'r'
wrap(fs.promises, ['open'], isWriting)
wrap(fs, ['open', 'openSync'], isWriting)
wrap(
  sqlite3.Statement.prototype,
  ['all'],
  ([sql]) => /INSERT|UPDATE|DELETE|CREATE|PRAGMA \w+ =/i.test(String(sql)),
  (statement) => [(statement as { sql: string }).sql],
)
wrap(sqlite3.Database.prototype, ['exec'])

const probe = await fs.promises.open(process.execPath, 'r')
wrap(Object.getPrototypeOf(probe) as FileHandle, ['write', 'writev', 'datasync', 'sync', 'truncate'])
await probe.close()
syncBuiltinESMExports()
