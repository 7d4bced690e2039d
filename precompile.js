// Keeps the code that V8 compiles for `kiss fetch` of a stored artifact, for this version of Node (bin/compiled-code.js).
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const [, self, ...args] = process.argv
if (args.length > 0) {
  const require = createRequire(import.meta.url)
  require('./bin/compiled-code.js').keepCompiledCode()
  require('./bin/run.js')
} else {
  await precompile()
}

async function precompile() {
  const directory = mkdtempSync(path.join(tmpdir(), 'kiss-precompile-'))
  const origin = createServer((_, response) => response.end('artifact')).listen(0, '127.0.0.1')
  try {
    await new Promise((resolve, reject) => origin.on('listening', resolve).on('error', reject))
    const fetching = ['fetch', '--no-progress', '-o', 'artifact', `http://127.0.0.1:${origin.address().port}/artifact`]
    const options = { cwd: directory, env: { PATH: process.env.PATH, HOME: directory } }
    // The first one is a miss.
    for (const program of [path.join(import.meta.dirname, 'bin/run.js'), self]) {
      await promisify(execFile)(process.execPath, [program, ...fetching], options)
    }
  } catch (error) {
    console.error(`kiss will take longer to start, because its code could not be compiled: ${error.message}`)
  } finally {
    origin.close()
    rmSync(directory, { recursive: true, force: true })
  }
}
