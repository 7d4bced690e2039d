/** The folder of this package, found by its own name: independent of the working directory, symlinks and the bundle. */

import { createRequire } from 'node:module'
import path from 'node:path'

export const home = path.dirname(createRequire(import.meta.url).resolve('kiss-cache/package.json'))
