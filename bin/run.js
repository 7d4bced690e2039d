#!/usr/bin/env node
import module from 'node:module'

// Node 22 and later keep compiled code between starts.
module.enableCompileCache?.()

const { run } = await import('../dist/cli/run.js')

await run(process.argv.slice(2))
