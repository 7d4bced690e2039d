/** The output of each URL of a command line, decided before the first request. Pure. */

import path from 'node:path'
import { KissError } from '../../errors.js'
import { displayUrl, fileNameOf } from '../../http/urls.js'
import { NO_DIRECTORY } from '../settings/parse.js'
import type { Named } from './urls.js'

export type Destination =
  /** `open`: the origin may give another name to it, in the same directory. */
  | { readonly to: 'file'; readonly path: string; readonly open?: boolean }
  | { readonly to: 'stdout' }
  /** `--path`: it stays where it is. */
  | { readonly to: 'cache' }

export interface Target {
  readonly url: URL
  readonly destination: Destination
}

export interface TargetOptions {
  readonly output: string | undefined
  readonly directory: string | undefined
  readonly path: boolean
  /** -J: the origin may name the files. */
  readonly remoteName: boolean
  readonly sha256: string | undefined
  readonly json: boolean
  readonly cwd: string
}

/** curl's name for it, and the system's. */
const standardOutput: ReadonlySet<string | undefined> = new Set(['-', '/dev/stdout', '/dev/fd/1', '/proc/self/fd/1'])

export function isStandardOutput(output: string | undefined): boolean {
  return standardOutput.has(output)
}

/** The descriptor that this path names (proc(5)); undefined for all other paths. */
export function descriptorOf(file: string): number | undefined {
  if (file === '/dev/stderr') return 2
  const named = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(file)?.[1]
  return named === undefined ? undefined : Number(named)
}

/** @throws KissError `usage` */
export function targetsOf(urls: readonly Named[], options: TargetOptions): Target[] {
  const { output, directory, path: pathOnly, remoteName, sha256, json, cwd } = options
  if (urls.length === 0) throw usage('name a URL, or with --input a file of them')
  if (pathOnly && output !== undefined) throw usage('--path copies nothing, so it does not go with --output')
  if (pathOnly && directory !== undefined) throw usage('--path copies nothing, so it does not go with --directory')
  if (remoteName && output !== undefined) throw usage('--remote-header-name does not go with --output')
  if (urls.length > 1 && output !== undefined) throw usage('--output takes one URL; use --directory')
  if (urls.length > 1 && sha256 !== undefined) throw usage('--sha256 takes one URL')
  if (output !== undefined && /(?:^|\/)\.{0,2}$/.test(output)) {
    throw usage(`--output ${output} names a directory`, 'use --directory')
  }
  const toStdout = isStandardOutput(output)
  if (json && toStdout) throw usage('--json and --output - cannot both have standard output')

  const base = directory === undefined ? cwd : path.resolve(cwd, directory)
  const relative = !pathOnly && !toStdout && !path.isAbsolute(output ?? '')
  if (base === '' && relative) throw usage(`--output: ${NO_DIRECTORY}`)
  const targets = urls.map(({ url, name }): Target => {
    if (pathOnly) return { url, destination: { to: 'cache' } }
    if (toStdout) return { url, destination: { to: 'stdout' } }
    const given = output ?? name
    if (given !== undefined) return { url, destination: { to: 'file', path: path.resolve(base, given) } }
    const file = path.resolve(base, remoteName ? fileNameOf(url) : nameOf(url))
    return { url, destination: { to: 'file', path: file, ...(remoteName && { open: true }) } }
  })
  refuseClashes(targets)
  return targets
}

function nameOf(url: URL): string {
  if (!/[^/]$/.test(url.pathname)) {
    throw usage(`${displayUrl(url)} names no file`, 'say with --output what to call it')
  }
  return fileNameOf(url)
}

/** The same URL twice is one file; two URLs with one name would overwrite each other. */
function refuseClashes(targets: readonly Target[]): void {
  const taken = new Map<string, URL>()
  for (const { url, destination } of targets) {
    if (destination.to !== 'file' || destination.open === true) continue
    const other = taken.get(destination.path)
    if (other !== undefined && other.href !== url.href) {
      throw usage(
        `${displayUrl(other)} and ${displayUrl(url)} would both be saved as ${destination.path}`,
        'fetch them into two directories',
      )
    }
    taken.set(destination.path, url)
  }
}

function usage(message: string, hint?: string): KissError {
  return new KissError('usage', message, hint === undefined ? {} : { hint })
}
