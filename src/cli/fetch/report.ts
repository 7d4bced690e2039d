/** The lines of `kiss fetch` for people. Pure. */

import path from 'node:path'
import { formatDuration, formatSize } from '../../units.js'
import { failureLine } from '../failure.js'
import type { FetchResult } from './fetch-all.js'

export interface ReportLine {
  readonly to: 'stdout' | 'stderr'
  readonly text: string
}

/**
 * `miss         12.3 MiB    3s  Image.gz`; for `--path` the path alone; nothing where stdout has the artifact itself, and
 * nothing for what was called off.
 */
export function reportLine(result: FetchResult, pathOnly: boolean, cwd: string): ReportLine | undefined {
  if (result.error !== undefined) {
    const calledOff = result.error.code === 'interrupted' || result.error.code === 'out-of-time'
    return calledOff ? undefined : { to: 'stderr', text: failureLine(result.error) }
  }
  if (pathOnly) return result.path === null ? undefined : { to: 'stdout', text: result.path }
  if (result.output === '-') return undefined
  const size = formatSize(result.size ?? 0).padStart(9)
  const time = formatDuration(result.seconds * 1000).padStart(6)
  return {
    to: 'stdout',
    text: `${(result.status ?? '').padEnd(11)} ${size} ${time}  ${near(result.output ?? '', cwd)}`,
  }
}

/** As somebody in that directory would write it. */
function near(file: string, cwd: string): string {
  const relative = path.relative(cwd, file)
  return relative === '..' || relative.startsWith(`..${path.sep}`) ? file : relative
}
