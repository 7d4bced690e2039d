/** The folder of this package: the one with `dist`, in which this module is, in the bundle or alone. */

import path from 'node:path'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(import.meta.url)
/** Asking Node for the folder by the package's name takes longer: it loads how the names of packages are resolved. */
export const home = file.slice(0, file.lastIndexOf(`${path.sep}dist${path.sep}`))
