import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { deployRules, type DeployRule } from '#lava/rules.js'
import { project } from '../../support/cli.js'

const readme = readFileSync(path.join(project, 'plugins/lava/README.md'), 'utf8')

/** `| method | artifacts |` of the table that begins with `to:`. */
function rows(): [string, string][] {
  const lines = readme.split('\n')
  const start = lines.findIndex((line) => line.startsWith('| `deploy: to:`'))
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'))
  return lines.slice(start + 2, end).map((line) => {
    const [, method = '', artifacts = ''] = line.split('|').map((cell) => cell.trim())
    return [method, artifacts]
  })
}

function sentence(rule: DeployRule): string {
  const list = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ')
  const own = rule.artifacts.length === 0 ? 'nothing' : list(rule.artifacts)
  const instead =
    rule.withImages === undefined
      ? ''
      : `; with ${rule.unlessEmpty ? 'non-empty ' : ''}\`images\`${rule.onlyOnQemu ? ' on QEMU' : ''} instead ${list(rule.withImages)}`
  return `${own}${instead}${rule.unless === undefined ? '' : `, unless \`${rule.unless}: false\``}`
}

describe('the README of the LAVA plugin', () => {
  it('has the same rules as the program', () => {
    const written = rows().flatMap(([methods, artifacts]) =>
      methods.split(', ').map((method) => [method.replaceAll('`', ''), artifacts] as const),
    )
    const expected = Object.entries(deployRules).map(([method, rule]) => [method, sentence(rule)] as const)
    assert.deepEqual(new Map(written), new Map(expected))
  })
})
