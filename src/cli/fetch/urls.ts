/** The URLs that a command line and its list name, and the file names that the list gives them. */

import path from 'node:path'
import { text } from 'node:stream/consumers'
import { KissError, systemCode } from '../../errors.js'
import { parseUrl } from '../../http/parse-url.js'
import { openInput } from '../input.js'

export interface Named {
  readonly url: URL
  /** A relative path; undefined: the URL names the file. */
  readonly name?: string
}

/**
 * The arguments, then the lines of `input` (`-` is standard input). Blank lines, and comments after a # at the beginning of a
 * line or after a URL and a blank, do not count. A tab ends the URL of a line; the name of its file follows.
 */
export async function urlsOf(args: readonly string[], input: string | undefined): Promise<Named[]> {
  const named = args.map((argument) => ({ url: parseUrl(argument) }))
  const listed = input === undefined ? [] : parseList(await readInput(input), input === '-' ? 'standard input' : input)
  return [...named, ...listed]
}

/** Pure. @param where the name of the list, for messages */
export function parseList(list: string, where: string): Named[] {
  const lines = list.replace(/^\ufeff/, '').split(/\r?\n/)
  return lines.flatMap((line, index): Named[] => {
    const written = line.replace(/^[ \t]+|[ \t]+$/g, '').replace(/^(\S+) +#.*$/, '$1')
    if (written === '' || written.startsWith('#')) return []
    const at = `${where}:${index + 1}`
    if (/^out=/.test(written)) {
      throw new KissError('usage', `${at}: out= is the form of aria2`, { hint: 'write URL, tab and name on one line' })
    }
    const [, address = written, name] = /^([^\t]*?) *\t[ \t]*(.*)$/.exec(written) ?? []
    const url = parseUrl(address, at)
    return [name === undefined ? { url } : { url, name: relativeName(name, at) }]
  })
}

/** A list may come from another author: no name in it leaves the directory. */
function relativeName(name: string, at: string): string {
  const isOutside = path.isAbsolute(name) || name.split('/').some((segment) => /^\.{0,2}$/.test(segment))
  if (!isOutside && !/\p{Cc}/u.test(name)) return name
  throw new KissError('usage', `${at}: the name after the tab is no file below the directory`)
}

async function readInput(input: string): Promise<string> {
  try {
    return await text(input === '-' ? process.stdin : openInput(input))
  } catch (error) {
    throw new KissError('usage', `cannot read the list ${input}: ${systemCode(error) ?? String(error)}`, {
      cause: error,
    })
  }
}
