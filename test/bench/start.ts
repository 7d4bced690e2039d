/** How long a program takes that has nothing to do: bare node, `kiss --version`, and `kiss fetch` of a stored artifact. */
import { execFileSync, spawnSync } from 'node:child_process'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { project, Sandbox } from '../support/cli.js'
import { Artifacts } from './artifacts.js'
import { median } from './measure.js'

const RUNS = 15

const origin = await Artifacts.start()
const sandbox = new Sandbox()
const kiss = path.join(project, 'bin/run.js')
const env = { PATH: process.env.PATH, HOME: sandbox.home, KISS_CACHE_DIR: sandbox.cacheDir }
const fetchArgs = [kiss, 'fetch', '--no-progress', '-o', 'out', origin.url(origin.path(100_000, 0, 'start'))]

function time(args: readonly string[]): number {
  const began = performance.now()
  const { status } = spawnSync(process.execPath, args, { cwd: sandbox.cwd, env })
  if (status !== 0) throw new Error(`exit ${status}: ${args.join(' ')}`)
  return performance.now() - began
}

// As the build does for the Node that runs it.
execFileSync(process.execPath, [path.join(project, 'precompile.js')])
time(fetchArgs)
const times = { bare: [] as number[], version: [] as number[], fetch: [] as number[] }
// In turn, so that a machine that slows down slows all of them down.
for (let run = 0; run < RUNS; run++) {
  times.bare.push(time(['-e', '0']))
  times.version.push(time([kiss, '--version']))
  times.fetch.push(time(fetchArgs))
}
const [bare, version, fetch] = [median(times.bare), median(times.version), median(times.fetch)]
console.log(`start on Node ${process.versions.node}, medians of ${RUNS}
  bare node, ms                ${bare.toFixed(0)}
  kiss --version, ms           ${version.toFixed(0)} (${(version / bare).toFixed(2)} of bare node)
  warm kiss fetch, ms          ${fetch.toFixed(0)} (${(fetch / bare).toFixed(2)} of bare node)`)
origin.stop()
sandbox.remove()
