/** Turns the error of a command into an exit code, one line of text and one JSON object. */

import { asKissError, KissError, systemCode } from '../errors.js'
import { answerTo } from './foreign-flags.js'
import { nearest } from './nearest.js'
import { exitCodeOf, stoppedBy } from './signals.js'

export interface Failure {
  readonly exit: number
  readonly code: string
  /** One line, without secrets. */
  readonly message: string
  readonly hint?: string
  /** A fault in kiss or in a plugin, not in the command line. */
  readonly bug: boolean
}

/** The shape of a failure under `--json`. */
export interface FailureJson {
  readonly code: string
  readonly message: string
  readonly hint?: string
}

/** undefined where nothing failed: `this.exit(0)` is an exception too in oclif. */
export function failureOf(error: unknown): Failure | undefined {
  if (isOutOfFiles(error)) return ofOpenFiles(asKissError(error, 'disk'))
  if (error instanceof KissError) return ofKissError(error)
  const exit = oclifExit(error)
  if (exit === undefined || !(error instanceof Error)) return ofBug(error)
  if ('code' in error && error.code === 'EEXIT') {
    return exit === 0 ? undefined : { exit, code: 'exit', message: `exit code ${exit}`, bug: false }
  }
  const hint = flagHint(error)
  return {
    exit,
    code: exit === 2 ? 'usage' : 'failed',
    message: usageMessage(error),
    ...(hint === undefined ? {} : { hint }),
    bug: false,
  }
}

export function failureJson({ code, message, hint }: Failure): FailureJson {
  return { code, message, ...(hint === undefined ? {} : { hint }) }
}

/** `kiss: what, which, why; what to do`. */
export function failureLine({
  message,
  hint,
}: {
  readonly message: string
  readonly hint?: string | undefined
}): string {
  return `kiss: ${message}${hint === undefined ? '' : `; ${hint}`}`
}

function ofKissError(error: KissError): Failure {
  const signal = error.code === 'interrupted' ? stoppedBy() : undefined
  return {
    exit: signal === undefined ? error.exit : exitCodeOf(signal),
    code: error.code,
    message: oneLine(error.message),
    ...(error.hint === undefined ? {} : { hint: oneLine(error.hint) }),
    bug: error.code === 'internal',
  }
}

/** Did this process, or the machine, reach its limit of open files? */
function isOutOfFiles(error: unknown): boolean {
  return ['EMFILE', 'ENFILE'].includes(systemCode(error) ?? '')
}

function ofOpenFiles(error: KissError): Failure {
  return { hint: 'raise the limit of open files (ulimit -n)', ...ofKissError(error) }
}

function ofBug(error: unknown): Failure {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return {
    exit: 1,
    code: 'internal',
    message: `a bug: ${oneLine(reason)}`,
    hint: 'DEBUG=kiss shows where',
    bug: true,
  }
}

/** The exit code that oclif's own errors carry; undefined for every other error. */
function oclifExit(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('oclif' in error)) return undefined
  const { oclif } = error
  if (typeof oclif !== 'object' || oclif === null || !('exit' in oclif)) return 2
  return typeof oclif.exit === 'number' ? oclif.exit : 2
}

/** Shows names only: oclif repeats the arguments, and a mistyped flag may contain a token. */
function usageMessage(error: Error): string {
  const flags = stringsOf(error, 'flags')
  if (flags.length > 0) return `there is no flag ${flags.map((flag) => flag.replace(/[=:].*$/s, '')).join(', ')}`
  if (stringsOf(error, 'args').length > 0) return 'there are more arguments than this command takes'
  return oneLine(error.message.replace(/^The following errors? occurred:|\n?See more help with --help$/g, ''))
}

/** A suggestion for the first unknown flag. */
function flagHint(error: Error): string | undefined {
  const [flag] = stringsOf(error, 'flags')
  if (flag === undefined) return undefined
  const name = flag.replace(/[=:].*$/s, '')
  const own = (error as { parse?: { input?: { flags?: FlagsOfCommand } } }).parse?.input?.flags ?? {}
  const guess = name.startsWith('--') ? nearest(name.slice(2), namesOf(own)) : undefined
  return answerTo(name) ?? (guess === undefined ? undefined : `did you mean --${guess}?`)
}

type FlagsOfCommand = Readonly<Record<string, { readonly aliases?: readonly string[] }>>

function namesOf(flags: FlagsOfCommand): string[] {
  return Object.entries(flags).flatMap(([name, { aliases = [] }]) => [name, ...aliases])
}

function stringsOf(error: object, key: string): string[] {
  const value: unknown = (error as Record<string, unknown>)[key]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim()
}
