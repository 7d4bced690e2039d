import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { project } from '../support/cli.js'

describe('docs/architecture.md', () => {
  const page = readFileSync(path.join(project, 'docs/architecture.md'), 'utf8')

  it('names files that exist', () => {
    const files = [...page.matchAll(/`((?:cli|server|engine|flight|store|upstream|http)\/[\w./-]+\.ts)`/g)].map(
      ([, file]) => file!,
    )
    assert.ok(files.length > 20)
    for (const file of files) assert.ok(existsSync(path.join(project, 'src', file)), file)
  })

  it('names functions that stand in the files that it gives for them', () => {
    for (const [, name, file] of page.matchAll(/`(\w+)` in `([\w./-]+\.ts)`/g))
      assert.ok(readFileSync(path.join(project, 'src', file!), 'utf8').includes(name!), `${name} in ${file}`)
  })
})
