/** Environments without a home directory or a working directory, in which bin/run.js starts as well. */

import { existsSync } from 'node:fs'
import { homedir } from 'node:os'

/** Is there a default cache directory for this user? */
export function hasCacheHome(): boolean {
  return (process.env.XDG_CACHE_HOME ?? '') !== '' || existsSync(homedir())
}

/** The base of relative paths; '' if the working directory was deleted, which bin/run.js marks by an empty PWD. */
export function workingDirectory(): string {
  return process.env.PWD === '' ? '' : process.cwd()
}
