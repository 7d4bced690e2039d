/** `npm run bench:replay`: a day in a lab, played against kiss and its peers. */
import { mkdirSync, mkdtempSync, chmodSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { project } from '../../support/cli.js'
import { Artifacts } from '../artifacts.js'
import { machine } from '../machine.js'
import { writeSection } from '../page.js'
import { subjects } from '../subjects/all.js'
import { textOf, type Cell, type Line } from '../table.js'
import { play, type Played } from './play.js'
import { plot } from './plot.js'
import { traceOf } from './trace.js'

/** US dollars for a gigabyte that leaves a cloud. */
const PRICE = 0.09
/** Bytes a second of each response of the origin. */
const RATE = 10 * 1024 * 1024

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '20261123' },
    builds: { type: 'string', default: '60' },
    seconds: { type: 'string', default: '30' },
    scale: { type: 'string', default: '0.02' },
    servers: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
})
const [seed, builds, seconds, scale] = [values.seed, values.builds, values.seconds, values.scale].map(Number) as [
  number,
  number,
  number,
  number,
]
const trace = traceOf({ seed, builds, seconds, scale })
const chosen = values.servers.split(',').filter((name) => name !== '')
const root = mkdtempSync(path.join(process.env['KISS_BENCH_DIR'] ?? tmpdir(), 'kiss-replay-'))
chmodSync(root, 0o755)
const description = machine()
const played = new Map<string, Played>()
const notes: string[] = []

for (const subject of subjects) {
  if (chosen.length > 0 ? !chosen.includes(subject.name) : / ×|buffered|node:http/.test(subject.name)) continue
  const missing = subject.missing?.()
  if (missing !== undefined) {
    notes.push(`${subject.name} was left out: ${missing}`)
    continue
  }
  console.error(`playing ${trace.boards.length} boards against ${subject.name}`)
  const directory = path.join(root, String(played.size))
  mkdirSync(directory)
  // An origin of its own for each, with the first versions and the first failures.
  const origin = await Artifacts.start()
  const server = await subject.start(directory, origin.url(''))
  played.set(subject.name, await play(trace, server, origin, RATE))
  await server.stop()
  origin.stop()
}
rmSync(root, { recursive: true, force: true })

const columns = [...played.keys()].map((name) => ({ name, peer: false }))
const line = (what: string, unit: string, figure: (one: Played) => number): Line => ({
  row: { id: what, what, unit, better: undefined },
  cells: Object.fromEntries([...played].map(([name, one]): [string, Cell] => [name, { median: figure(one) }])),
})
const ratio = (one: Played): number => trace.served / one.bytes
const lines = [
  line('origin GETs', '', ({ gets }) => gets),
  line('origin bytes / distinct bytes', '', ({ bytes }) => bytes / trace.distinct),
  line('expansion: bytes served / origin bytes', '', ratio),
  line('slowest board', 's', ({ slowest }) => slowest),
  line('downloads that a board began again', '', ({ retries }) => retries),
  line('downloads that failed', '', ({ failures }) => failures),
  line('egress at $0.09 a GB, for each TB served', '$', (one) => (1000 * PRICE) / ratio(one)),
]
const ideal = trace.served / trace.distinct
const text = `${textOf(lines, columns)}

Seed ${seed}: ${builds} builds, ${trace.boards.length} boards, ${(trace.served / 1e9).toFixed(1)} GB served of ${(trace.distinct / 1e6).toFixed(0)} MB distinct
(sizes × ${scale}). An ideal cache reaches an expansion of ${ideal.toFixed(1)}. Machine: ${description}.
${notes.map((note) => `\n- ${note}`).join('')}`
console.log(values.json ? JSON.stringify({ ideal, notes, played: Object.fromEntries(played) }, undefined, 2) : text)
if (chosen.length === 0) {
  const bars = [...played].map(([name, one]) => ({ name, value: ratio(one) }))
  writeFileSync(path.join(project, 'docs/replay.svg'), plot('Bytes served for each byte from the origin', bars, ideal))
  writeSection('replay', `![Bytes served for each byte from the origin](replay.svg)\n\n${text}`)
}
