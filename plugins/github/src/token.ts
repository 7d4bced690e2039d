/** Where the token of a GitHub comes from. */

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

export type TokenOrigin =
  | { readonly token: string }
  | { readonly file: string }
  /** A string goes through the shell, a list does not. Its first line is the token. */
  | { readonly command: string | readonly string[] }

/** A command that has not answered after this many milliseconds never will: it waits for a passphrase. */
const COMMAND_TIMEOUT = 30_000

/** A token that was read this many milliseconds ago and is refused is not read again: it would be the same. */
const FRESH = 10_000

/** Reads the token when it is first needed, keeps it, and reads it again when GitHub refuses it. */
export class TokenSource {
  readonly #origin: TokenOrigin
  readonly #now: () => number
  #token: Promise<string> | undefined
  #readAt = 0

  /** @param now milliseconds since any fixed moment */
  constructor(origin: TokenOrigin, now: () => number) {
    this.#origin = origin
    this.#now = now
  }

  /** Callers at the same time share one reading. Throws an Error that names the failure, without the text that was read. */
  async read(): Promise<string> {
    if (this.#token === undefined) {
      this.#readAt = this.#now()
      const reading = obtain(this.#origin)
      this.#token = reading
      reading.catch(() => {
        if (this.#token === reading) this.#token = undefined
      })
    }
    return this.#token
  }

  /** GitHub took the token for invalid. True where another reading may give a better one. */
  refused(): boolean {
    if ('token' in this.#origin || this.#token === undefined || this.#now() - this.#readAt < FRESH) return false
    this.#token = undefined
    return true
  }
}

async function obtain(origin: TokenOrigin): Promise<string> {
  if ('token' in origin) return checked(origin.token, 'the token')
  if ('file' in origin) return checked(await readTokenFile(origin.file), `the token in ${origin.file}`)
  return checked(await runTokenCommand(origin.command), 'the token that token-command prints')
}

async function readTokenFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`cannot read token-file ${file}: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`, {
      cause: error,
    })
  }
}

async function runTokenCommand(command: string | readonly string[]): Promise<string> {
  const [file = '', ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
  try {
    return (await promisify(execFile)(file, args, { timeout: COMMAND_TIMEOUT, maxBuffer: 64 * 1024 })).stdout
  } catch (error) {
    // Neither its output nor its arguments are shown, nor kept as a cause: they may hold secrets.
    const { code, killed } = error as { code?: number | string; killed?: boolean }
    const how = killed === true ? `did not end within ${COMMAND_TIMEOUT / 1000} s` : `failed (${String(code)})`
    throw new Error(`token-command ${how}`)
  }
}

/** A header's value: visible ASCII, RFC 9110 §5.5, and no blanks, because no token has any. */
function checked(text: string, what: string): string {
  const token = text.trim().split(/\r?\n/)[0]?.trim() ?? ''
  if (token === '') throw new Error(`${what} is empty`)
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Error(`${what} holds blanks or characters that no token has`)
  return token
}
