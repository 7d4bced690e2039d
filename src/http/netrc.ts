/** Reads .netrc files, as curl and ftp(1) write them. Pure. */

/** The name and password for one host. */
export interface Login {
  readonly name: string
  readonly password: string
}

/** Words, some of them in double quotes with `\` before a character that is meant as it is. */
const words = /"((?:[^"\\]|\\[^])*)"|(\S+)/g

/**
 * The logins by host, lower case; the first entry of a host counts. `default` names no host and is left out: a password is
 * for a host that its user named. Unknown words are ignored.
 */
export function parseNetrc(text: string): ReadonlyMap<string, Login> {
  const logins = new Map<string, Login>()
  let host: string | undefined
  let entry = { name: '', password: '' }
  const finish = (): void => {
    if (host !== undefined && !logins.has(host) && (entry.name !== '' || entry.password !== '')) logins.set(host, entry)
  }
  const list = wordsOf(text)
  for (let index = 0; index < list.length; index++) {
    const word = list[index]
    if (word === 'machine' || word === 'default') {
      finish()
      entry = { name: '', password: '' }
      host = word === 'machine' ? list[++index]?.toLowerCase() : undefined
    } else if (word === 'login') entry = { ...entry, name: list[++index] ?? '' }
    else if (word === 'password') entry = { ...entry, password: list[++index] ?? '' }
    else if (word === 'account') index++
  }
  finish()
  return logins
}

/** Without comments, and without macros, which reach from `macdef` to an empty line. */
function wordsOf(text: string): string[] {
  const lines = text.replace(/^[ \t]*macdef\b[^]*?(?:\n[ \t]*\n|$(?![^]))/gm, '').split(/\r?\n/)
  const written = lines.filter((line) => !/^\s*#/.test(line)).join('\n')
  return [...written.matchAll(words)].map(([, quoted, bare]) => quoted?.replace(/\\([^])/g, '$1') ?? bare ?? '')
}

/** RFC 7617 §2. */
export function basicCredential({ name, password }: Login): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}
