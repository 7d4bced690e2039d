/** The folder of temporary files of all tests, in memory where there is room: os.tmpdir() reads the variable. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { folderInMemory } from './memory-folder.js'

/** Bytes: several times what the tests keep at a time. */
const ROOM = 4_000_000_000

// The workers of mocha inherit it from the process that starts them, which loads this too.
if (process.env['TMPDIR'] === undefined) {
  const folder = mkdtempSync(path.join(folderInMemory(ROOM), 'kiss-tests-'))
  // Tests of several users make folders in it, as in /tmp.
  chmodSync(folder, 0o1777)
  process.env['TMPDIR'] = folder
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
}
