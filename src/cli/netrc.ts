/** The logins of the user's .netrc. */

import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { KissError, systemCode } from '../errors.js'
import { parseNetrc, type Login } from '../http/netrc.js'

/**
 * Of the file that NETRC names, else of ~/.netrc; none where there is no file.
 * @throws KissError `configuration` for a file that cannot be read
 */
export async function readNetrc(
  env: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlyMap<string, Login>> {
  const named = env['NETRC'] ?? ''
  const file = named === '' ? path.join(homedir(), '.netrc') : named
  try {
    return parseNetrc(await readFile(file, 'utf8'))
  } catch (error) {
    const code = systemCode(error) ?? String(error)
    if (named === '' && (code === 'ENOENT' || code === 'ENOTDIR')) return new Map()
    throw new KissError('configuration', `cannot read ${file}: ${code}`, {
      cause: error,
      hint: 'use --no-netrc to do without it',
    })
  }
}
