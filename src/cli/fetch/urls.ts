/** The URLs that a command line and its list name. */

import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { KissError, systemCode } from '../../errors.js'
import { parseUrl } from '../../http/parse-url.js'

/** The arguments, then the lines of `input` (`-` is standard input; blank lines and those that begin with # do not count). */
export async function urlsOf(args: readonly string[], input: string | undefined): Promise<URL[]> {
  const named = args.map((argument) => parseUrl(argument))
  const listed = input === undefined ? [] : parseList(await readInput(input), input === '-' ? 'standard input' : input)
  return [...named, ...listed]
}

/** Pure. */
export function parseList(list: string, name: string): URL[] {
  const lines = list.replace(/^\ufeff/, '').split(/\r?\n/)
  return lines.flatMap((line, index) => {
    const written = line.replace(/^[ \t]+|[ \t]+$/g, '')
    return written === '' || written.startsWith('#') ? [] : [parseUrl(written, `${name}:${index + 1}`)]
  })
}

async function readInput(input: string): Promise<string> {
  if (input === '-') return text(process.stdin)
  try {
    return await readFile(input, 'utf8')
  } catch (error) {
    throw new KissError('usage', `cannot read the list ${input}: ${systemCode(error) ?? String(error)}`, {
      cause: error,
    })
  }
}
