/** `npm run bench`: kiss beside nginx, Varnish and Squid. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { project } from '../support/cli.js'
import { parseBench, USAGE } from './arguments.js'
import { runBench, type Report } from './bench.js'
import { textOf } from './table.js'

const page = path.join(project, 'docs/performance.md')

function section({ machine, rounds, notes, lines, columns }: Report): string {
  const said = notes.map((note) => `- ${note}\n`).join('')
  return `${textOf(lines, columns)}\n\nMedians of ${rounds} rounds; in brackets the ratio to the best of nginx, Varnish and Squid.\nMachine: ${machine}.\n${said === '' ? '' : `\n${said}`}`
}

/** Replaces what stands between the marks of the generated part. */
function write(text: string): void {
  const [begin, end] = ['<!-- bench -->', '<!-- /bench -->']
  const old = readFileSync(page, 'utf8')
  const [before, after] = [old.indexOf(begin), old.indexOf(end)]
  if (before < 0 || after < 0) throw new Error(`${page} has no place for the table`)
  writeFileSync(page, `${old.slice(0, before + begin.length)}\n\n${text}\n${old.slice(after)}`)
}

try {
  const options = parseBench(process.argv.slice(2))
  const report = await runBench(options, (line) => console.error(line))
  console.log(options.json ? JSON.stringify(report, undefined, 2) : section(report))
  if (options.write) write(section(report))
} catch (error) {
  console.error(error instanceof TypeError ? `${error.message}\n${USAGE}` : error)
  process.exitCode = error instanceof TypeError ? 2 : 1
}
