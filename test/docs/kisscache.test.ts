import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { project, Sandbox } from '../support/cli.js'

const page = readFileSync(path.join(project, 'docs/kisscache.md'), 'utf8')

/** Names and defaults of kiss's half of the table of settings. */
function rows(): [names: string[], defaults: string[]][] {
  const section = page.slice(page.indexOf('## Settings'), page.indexOf('## URL forms'))
  const quoted = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, , , ours, fallback]) => [quoted(ours?.split(/[:,] /)[0]), fallback === '' ? [] : quoted(fallback)])
}

describe('docs/kisscache.md', () => {
  it('names settings that exist, with their defaults', async () => {
    const sandbox = new Sandbox()
    try {
      const { stdout } = await sandbox.run(['serve', '--print-config'])
      const values = new Map(
        stdout.split('\n').map((line) => {
          const [, name = '', value = ''] = /^(?:# )?([\w-]+):(.*?) *#/.exec(line) ?? []
          return [
            name,
            value
              .trim()
              .replace(/^\[(.*)\]$/, '$1')
              .replaceAll(', ', ','),
          ]
        }),
      )
      const found = rows().flatMap(([names, defaults]) =>
        names.filter((name) => /^[a-z-]+$/.test(name)).map((name) => [name, defaults] as const),
      )
      assert.ok(found.length >= 9)
      for (const [name, defaults] of found) {
        assert.ok(values.has(name) || name === 'mirrors', name)
        if (defaults.length === 1) assert.equal(values.get(name), defaults[0], name)
      }
    } finally {
      sandbox.remove()
    }
  })
})
