/** Where this package lies: it names itself, so that neither the working directory, a symlink nor a bundle matters. */

import { createRequire } from 'node:module'
import path from 'node:path'

export const home = path.dirname(createRequire(import.meta.url).resolve('kiss-cache/package.json'))
