import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { readSettings } from '#s3/settings.js'
import { project } from '../../support/cli.js'

describe('the README of the S3 plugin', () => {
  const readme = readFileSync(path.join(project, 'plugins/s3/README.md'), 'utf8')

  it('has an example of settings that are settings', () => {
    const yaml = /```yaml\n(.*?)```/s.exec(readme)?.[1] ?? assert.fail('there is one')
    const settings = readSettings((parse(yaml) as { s3: unknown }).s3, {})
    assert.deepEqual([...settings.buckets.keys()], ['lkft', 'lab', 'mirror'])
  })

  it('has every setting in its table', () => {
    const known = /known are (.*)$/.exec(thrownBy(() => readSettings({ x: 1 }, {})))?.[1]?.split(', ') ?? []
    assert.ok(known.includes('lend') && known.includes('share'))
    for (const key of known) assert.match(readme, new RegExp(`^\\| \`${key}\` +\\|`, 'm'))
  })
})

function thrownBy(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
  return assert.fail('it throws')
}
