#!/usr/bin/env node
import { existsSync } from 'node:fs'
import module from 'node:module'
import os from 'node:os'

// A user without a home, without a name, or in a directory that is gone, can still ask for the help (cli/surroundings.ts).
try {
  if (os.homedir() === '') process.env.HOME = '/nonexistent'
  os.userInfo()
} catch {
  process.env.HOME ||= '/nonexistent'
  process.env.SHELL ||= '/bin/sh'
}
try {
  process.cwd()
} catch {
  process.env.PWD = ''
  process.chdir('/')
}

// Node 22 and later keep compiled code between starts.
module.enableCompileCache?.()

// oclif compares Node's version with its own needs, not ours, and loads a library for it: a fifth of the time to start.
process.env.OCLIF_DISABLE_ENGINE_WARNING ??= '1'
const program = new URL('../dist/bundle/cli/run.js', import.meta.url)
const { run } = await import(program).catch((error) => {
  if (existsSync(program)) throw error
  process.stderr.write('kiss is not built: run npm ci\n')
  process.exit(2)
})

await run(process.argv.slice(2))
