/** The generated parts of pages, which stand between marks. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { project } from '../support/cli.js'

/** @param file below docs/ */
export function writeSection(name: string, text: string, file = 'performance.md'): void {
  const page = path.join(project, 'docs', file)
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const old = readFileSync(page, 'utf8')
  const [before, after] = [old.indexOf(begin), old.indexOf(end)]
  if (before < 0 || after < 0) throw new Error(`${page} has no place for ${name}`)
  writeFileSync(page, `${old.slice(0, before + begin.length)}\n\n${text.trim()}\n\n${old.slice(after)}`)
}
