import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { project, Sandbox } from '../support/cli.js'

describe('the package', () => {
  let sandbox: Sandbox
  beforeEach(() => {
    sandbox = new Sandbox()
  })
  afterEach(() => sandbox.remove())

  /** As `npm install` lays it out, with the libraries of the checkout beside it. */
  function install(): string {
    const modules = path.join(sandbox.root, 'node_modules')
    mkdirSync(modules)
    const options = { cwd: project, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: sandbox.home } } as const
    const packed = execFileSync(
      'npm',
      ['pack', '--silent', '--ignore-scripts', '--pack-destination', sandbox.root],
      options,
    )
    execFileSync('tar', ['xzf', path.join(sandbox.root, packed.trim()), '-C', modules])
    execFileSync('mv', [path.join(modules, 'package'), path.join(modules, 'kiss')])
    const own = path.join(project, 'node_modules')
    for (const name of readdirSync(own)) {
      if (name !== 'kiss' && name !== '@kiss') symlinkSync(path.join(own, name), path.join(modules, name))
    }
    return path.join(modules, 'kiss/bin/run.js')
  }

  it('is a working kiss with its three plugins, also through a symlink', async () => {
    const bin = install()
    const link = path.join(sandbox.root, 'kiss')
    symlinkSync(bin, link)
    for (const topic of ['s3', 'gitlab', 'lava']) {
      const { code, stderr } = await sandbox.run([topic, '--help'], { bin: link })
      assert.deepEqual([code, stderr], [0, ''], topic)
      const commands = path.join(project, 'plugins', topic, 'dist/commands', topic)
      for (const file of existsSync(commands) ? readdirSync(commands) : []) {
        if (!file.endsWith('.js')) continue
        // A flag that does not exist: the command itself has to be loaded to say so.
        const ran = await sandbox.run([topic, path.basename(file, '.js'), '--nonsense'], { bin: link })
        assert.deepEqual([ran.code, ran.stderr], [2, 'kiss: there is no flag --nonsense\n'])
      }
    }
    assert.equal((await sandbox.run(['list'], { bin: link })).stdout, '0 entries, 0 B\n')
  })
})
