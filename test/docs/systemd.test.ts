import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { project, Sandbox } from '../support/cli.js'
import { replaced } from '../support/nginx.js'

const unit = readFileSync(path.join(project, 'docs/kiss.service'), 'utf8')
const page = readFileSync(path.join(project, 'docs/systemd.md'), 'utf8')

describe('docs/kiss.service', () => {
  it('is a unit that systemd takes as it is, and rates as the page says', function () {
    if (spawnSync('systemd-analyze', ['--version']).error !== undefined) return this.skip()
    const sandbox = new Sandbox()
    try {
      const file = path.join(sandbox.root, 'kiss.service')
      const analyze = (...args: string[]): unknown[] => {
        const { status, stdout, stderr } = spawnSync('systemd-analyze', [...args, file], { encoding: 'utf8' })
        return [status, stdout, stderr]
      }
      // The program need not be installed here.
      writeFileSync(file, replaced(unit, { '/usr/bin/kiss serve': '/bin/sh -c true' }))
      assert.deepEqual(analyze('verify'), [0, '', ''])
      const rated = /rates it (\d)\.(\d)/.exec(page) ?? assert.fail('the page names the rating')
      const [status, said] = analyze('security', '--offline=true', `--threshold=${rated[1]}${rated[2]}`, '--no-pager')
      assert.equal(status, 0, String(said))
    } finally {
      sandbox.remove()
    }
  })

  it('sets nothing that kiss does not know', async () => {
    const sandbox = new Sandbox()
    try {
      const pairs: string[][] = [...unit.matchAll(/^#?Environment=(KISS_\w+)=(.*)$/gm)].map(
        ([, name = '', value = '']) => [name, value],
      )
      const env: Record<string, string> = {
        ...(Object.fromEntries(pairs) as Record<string, string>),
        KISS_CONFIG: sandbox.configFile,
      }
      writeFileSync(sandbox.configFile, 'quota: 5GiB\n')
      const { code, stdout } = await sandbox.run(['serve', '--print-config'], { env })
      assert.equal(code, 0)
      assert.ok(pairs.length >= 4)
      for (const name of Object.keys(env)) assert.match(stdout, new RegExp(`# ${name}$`, 'm'))
    } finally {
      sandbox.remove()
    }
  })
})
