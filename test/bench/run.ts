/** `npm run bench`: kiss beside nginx, Varnish and Squid. */
import { parseBench, USAGE } from './arguments.js'
import { runBench, type Report } from './bench.js'
import { writeSection } from './page.js'
import { textOf } from './table.js'

function section({ machine, rounds, notes, lines, columns }: Report): string {
  const said = notes.map((note) => `- ${note}\n`).join('')
  return `${textOf(lines, columns)}\n\nMedians of ${rounds} rounds; in brackets the ratio to the best of nginx, Varnish and Squid.\nMachine: ${machine}.\n${said === '' ? '' : `\n${said}`}`
}

try {
  const options = parseBench(process.argv.slice(2))
  const report = await runBench(options, (line) => console.error(line))
  console.log(options.json ? JSON.stringify(report, undefined, 2) : section(report))
  if (options.write) writeSection('bench', section(report))
} catch (error) {
  console.error(error instanceof TypeError ? `${error.message}\n${USAGE}` : error)
  process.exitCode = error instanceof TypeError ? 2 : 1
}
