/** `npm run bench:growth`: how the cost grows with entries, readers, sizes and downloads at once. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { project } from '../../support/cli.js'
import { Artifacts } from '../artifacts.js'
import { Client } from '../client.js'
import { machine } from '../machine.js'
import { writeSection } from '../page.js'
import { textOf, type Cell } from '../table.js'
import { plotGrowth, type Panel } from './plot.js'
import { growths, type Growth } from './steps.js'

const { values } = parseArgs({
  options: {
    /** Names of what grows; default all, and the page is written. */
    only: { type: 'string', default: '' },
    /** 0.1: leaves out the steps above a tenth of the largest. */
    scale: { type: 'string', default: '1' },
  },
})
const only = values.only.split(',').filter((name) => name !== '')
const scale = Number(values.scale)
const root = mkdtempSync(path.join(process.env['KISS_BENCH_DIR'] ?? tmpdir(), 'kiss-growth-'))
const client = Client.build(root)
const description = machine()

interface Measured {
  readonly growth: Growth
  readonly steps: readonly number[]
  readonly figures: readonly Readonly<Record<string, number>>[]
}

async function measure(growth: Growth): Promise<Measured> {
  const largest = Math.max(...growth.steps) * scale
  const steps = growth.steps.filter((step) => step <= largest)
  const figures: Readonly<Record<string, number>>[] = []
  for (const step of steps) {
    console.error(`${growth.title}: ${growth.label(step)}`)
    const directory = path.join(root, `${growth.id}-${step}`)
    mkdirSync(directory)
    const origin = await Artifacts.start()
    const measured = await growth.measure(step, { directory, origin, client })
    figures.push(measured)
    console.error(JSON.stringify(measured))
    origin.stop()
    rmSync(directory, { recursive: true, force: true })
  }
  return { growth, steps, figures }
}

function tableOf({ growth, steps, figures }: Measured): string {
  const columns = steps.map((step) => ({ name: growth.label(step), peer: false }))
  const names = [...new Set(figures.flatMap((one) => Object.keys(one)))]
  const lines = names.map((what) => ({
    row: { id: what, what, unit: '', better: undefined },
    cells: Object.fromEntries(
      columns.flatMap(({ name }, n): [string, Cell][] => {
        const value = figures[n]?.[what]
        return value === undefined ? [] : [[name, { median: value }]]
      }),
    ),
  }))
  return `### ${growth.title}\n\n${textOf(lines, columns)}`
}

function panelOf({ growth, steps, figures }: Measured): Panel {
  return {
    title: growth.title,
    x: growth.x,
    at: steps.map((value) => ({ value, label: growth.label(value) })),
    lines: growth.plotted.map((name) => ({ name, values: figures.map((one) => one[name] ?? 0) })),
  }
}

const measured: Measured[] = []
for (const growth of growths) {
  if (only.length === 0 || only.includes(growth.id)) measured.push(await measure(growth))
}
rmSync(root, { recursive: true, force: true })
const text = `${measured.map(tableOf).join('\n\n')}\n\nMachine: ${description}.`
console.log(text)
if (only.length === 0) {
  writeFileSync(path.join(project, 'docs/growth.svg'), plotGrowth(measured.map(panelOf)))
  writeSection('growth', `![How the cost grows](growth.svg)\n\n${text}`)
}
