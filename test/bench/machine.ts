/** The machine that a benchmark ran on. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { searchPath } from './subjects/subject.js'

/** @param programs whose versions count */
export function machine(programs = peers): string {
  const gibibytes = Math.round(totalmem() / 1024 ** 3)
  const versions = [`Node ${process.versions.node}`, ...programs.flatMap(versionOf)].join(', ')
  const [load = 0] = loadavg()
  return `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${gibibytes} GiB of memory, Linux ${release()}, load ${load.toFixed(1)} at the start; ${versions}`
}

interface Installed {
  readonly name: string
  readonly command: readonly string[]
}

const peers: readonly Installed[] = [
  { name: 'nginx', command: ['nginx', '-v'] },
  { name: 'Varnish', command: ['varnishd', '-V'] },
  { name: 'Squid', command: ['squid', '-v'] },
]

function versionOf({ name, command: [file = '', ...args] }: Installed): string[] {
  const { error, stdout, stderr } = spawnSync(file, args, { env: { PATH: searchPath }, encoding: 'utf8' })
  if (error !== undefined) return []
  const version = /\d+(?:\.\d+)+/.exec(`${stdout}${stderr}`)?.[0]
  return version === undefined ? [] : [`${name} ${version}`]
}

/** The kind of the file system of a directory. */
export function fileSystemOf(directory: string): string {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  const below = mounts.filter(([, at = '']) => `${directory}/`.startsWith(at.endsWith('/') ? at : `${at}/`))
  return below.sort(([, a = ''], [, b = '']) => b.length - a.length)[0]?.[2] ?? 'unknown'
}
