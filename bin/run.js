#!/usr/bin/env node
'use strict'
// CommonJS, as the bundle is: Node loads it faster than modules.
const { existsSync } = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { useCompiledCode } = require('./compiled-code.js')

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

// oclif compares Node's version with its own needs, not ours, and loads a library for it: a fifth of the time to start.
process.env.OCLIF_DISABLE_ENGINE_WARNING ??= '1'
const program = path.join(__dirname, '../dist/bundle/cli/run.js')
if (!existsSync(program)) {
  process.stderr.write('kiss is not built: run npm ci\n')
  process.exit(2)
}
useCompiledCode()
void require(program).run(process.argv.slice(2))
