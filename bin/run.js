#!/usr/bin/env node
import module from 'node:module'

// Node 22 and later keep compiled code between starts.
module.enableCompileCache?.()

// oclif compares Node's version with its own needs, not ours, and loads a library for it: a fifth of the time to start.
process.env.OCLIF_DISABLE_ENGINE_WARNING ??= '1'
const { run } = await import('../dist/bundle/cli/run.js')

await run(process.argv.slice(2))
