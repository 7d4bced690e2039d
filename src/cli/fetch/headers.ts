/** The headers of `-H`, in curl's form. */

import { text } from 'node:stream/consumers'
import { KissError, systemCode } from '../../errors.js'
import { isFieldValue, isPassable } from '../../http/passed-headers.js'
import { openInput } from '../input.js'

/**
 * `Name: value`, `Name;` for an empty value, `@FILE` for a file with one a line. Names are lower case; several of one name
 * are one list. No message repeats a value.
 */
export async function headersOf(written: readonly string[]): Promise<Record<string, string>> {
  const lines: string[] = []
  for (const header of written) {
    if (header.startsWith('@')) lines.push(...(await readHeaderFile(header.slice(1))))
    else lines.push(header)
  }
  return parseHeaders(lines)
}

/** Pure. */
export function parseHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const match = /^([^\s:;]+)(?::[ \t]*(\S.*?)|;)[ \t]*$/s.exec(line)
    if (match?.[1] === undefined) {
      throw new KissError('usage', "--header: one of them is not of the form 'Name: value'", {
        hint: "write 'Name;' for an empty value",
      })
    }
    const name = match[1].toLowerCase()
    const value = match[2] ?? ''
    if (!isPassable(name))
      throw new KissError('usage', `--header: ${JSON.stringify(name)} is never passed to an origin`)
    if (!isFieldValue(value)) throw new KissError('usage', `--header: ${name} has a character that no header may have`)
    const before = headers[name]
    headers[name] = before === undefined ? value : `${before}, ${value}`
  }
  return headers
}

async function readHeaderFile(file: string): Promise<string[]> {
  try {
    const lines = (await text(openInput(file))).split(/\r?\n/)
    return lines.filter((line) => line.trim() !== '')
  } catch (error) {
    throw new KissError('usage', `--header: cannot read ${file}: ${systemCode(error) ?? String(error)}`, {
      cause: error,
    })
  }
}
