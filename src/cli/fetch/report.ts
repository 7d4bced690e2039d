/** The lines of `kiss fetch` for people. Pure. */

import path from 'node:path'
import { formatDuration, formatSize } from '../../units.js'
import type { FetchResult } from './result.js'

/**
 * The line of standard output: `miss         12.3 MiB    3s  Image.gz`; for `--path` the path alone; nothing where standard
 * output has the artifact itself, and nothing for a failure.
 */
export function reportLine(result: FetchResult, pathOnly: boolean, cwd: string): string | undefined {
  if (result.error !== undefined) return undefined
  if (pathOnly) return result.path ?? undefined
  if (result.output === '-') return undefined
  const size = formatSize(result.size ?? 0).padStart(9)
  const time = formatDuration(result.seconds * 1000).padStart(6)
  return `${statusOf(result).padEnd(11)} ${size} ${time}  ${near(result.output ?? '', cwd)}`
}

/** `miss, 12.3 MiB in 3s`: the end of one download on standard error. */
export function summaryOf(result: FetchResult): string {
  if (result.size === null) return 'the reader left'
  return `${statusOf(result)}, ${formatSize(result.size)} in ${formatDuration(result.seconds * 1000)}`
}

function statusOf({ status, kept }: FetchResult): string {
  return kept === true ? 'kept' : (status ?? '')
}

/** As a user in that directory would write it. */
function near(file: string, cwd: string): string {
  const relative = path.relative(cwd, file)
  return relative === '..' || relative.startsWith(`..${path.sep}`) ? file : relative
}
