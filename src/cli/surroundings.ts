/** A process may have no home directory and no working directory: bin/run.js lets it start all the same. */

import { existsSync } from 'node:fs'
import { homedir } from 'node:os'

/** Is there a default cache directory for this user? */
export function hasCacheHome(): boolean {
  return (process.env.XDG_CACHE_HOME ?? '') !== '' || existsSync(homedir())
}

/** Where relative paths begin; '' where the working directory has been deleted, which bin/run.js marks by an empty PWD. */
export function workingDirectory(): string {
  return process.env.PWD === '' ? '' : process.cwd()
}
