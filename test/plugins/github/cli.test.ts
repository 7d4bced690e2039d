import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Sandbox } from '../../support/cli.js'
import { filesWith } from '../../support/secrets.js'
import { image, startLab, token, type Lab } from './lab.js'

describe('GitHub on the command line', () => {
  let sandbox: Sandbox
  let lab: Lab
  beforeEach(async () => {
    sandbox = new Sandbox()
    lab = await startLab()
  })
  afterEach(async () => {
    await lab.github.close()
    sandbox.remove()
  })

  it('is fetched by the URL that kiss github url prints, and the token is nowhere', async () => {
    const env = { GITHUB_SERVER_URL: lab.github.url, GITHUB_TOKEN: token }
    const args = ['lab/kernel', '--workflow', 'build.yml', '--branch', 'main', 'build!/boot/Image.gz']
    const printed = await sandbox.run(['github', 'url', ...args], { env })
    assert.equal(printed.stdout, 'github:lab/kernel/workflow/build.yml@main/build!/boot/Image.gz\n')
    const fetched = await sandbox.run(['fetch', '--json', printed.stdout.trim()], { env })
    assert.equal(fetched.code, 0, fetched.stderr)
    const { results } = JSON.parse(fetched.stdout) as { results: { size: number; status: string }[] }
    assert.deepEqual([results[0]?.size, results[0]?.status], [image.length, 'miss'])
    assert.deepEqual(readFileSync(path.join(sandbox.cwd, 'Image.gz')), image)
    assert.ok(!`${fetched.stdout}${fetched.stderr}`.includes(token))
    assert.deepEqual(await filesWith(sandbox.root, [token]), [])
    const again = await sandbox.run(['fetch', '--offline', '-o', '-', printed.stdout.trim()], { env })
    assert.equal(again.code, 0, again.stderr)
  })

  it('is one entry in lists, purges and bundles, whichever of its URLs is given', async () => {
    const env = { GH_HOST: lab.github.url }
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await sandbox.run([...args, '--json'], { env })
      assert.equal(code, 0, stdout + stderr)
      return JSON.parse(stdout) as { entries: { url: string }[]; removed: number }
    }
    const [tag, latest, byId] = [
      `${lab.github.url}/lab/open/releases/download/v1.2/Image.gz`,
      `${lab.github.url}/lab/open/releases/latest/download/Image.gz`,
      `${lab.github.api}/repos/lab/open/releases/assets/${lab.open.assets[1]!.id}`,
    ]
    for (const url of [latest, byId, tag]) await run('fetch', '-d', 'files', url)
    assert.deepEqual(
      (await run('list')).entries.map(({ url }) => url),
      [tag],
    )
    assert.deepEqual(
      (await run('bundle', 'create', 'one.tar', latest)).entries.map(({ url }) => url),
      [tag],
    )
    assert.equal((await run('purge', '--yes', latest)).removed, 1)
    assert.deepEqual((await run('list')).entries, [])
    await run('bundle', 'load', 'one.tar')
    await run('fetch', '--offline', '-d', 'again', latest)
    assert.deepEqual(readFileSync(path.join(sandbox.cwd, 'again/Image.gz')), image)
  })

  const rows: [args: string[], env: Record<string, string>, url: string][] = [
    [['O/R', '--release', 'v1.2', 'a b'], {}, 'https://github.com/o/r/releases/download/v1.2/a%20b'],
    [['o/r', '--release', 'latest', 'x'], {}, 'https://github.com/o/r/releases/latest/download/x'],
    [['o/r', '--run', '7', 'x'], {}, 'github:o/r/run/7/x'],
    [['o/r', '--workflow', 'b.yml', '--branch', 'a/b', 'x'], {}, 'github:o/r/workflow/b.yml@a/b/x'],
    [['o/r', '--release', 'v1', 'x', '--host', 'http://h:1'], {}, 'http://h:1/o/r/releases/download/v1/x'],
    [['o/r', '--release', 'v1', 'x'], { GH_HOST: 'h.example' }, 'https://h.example/o/r/releases/download/v1/x'],
  ]
  for (const [args, env, url] of rows) {
    it(`makes ${url} of ${args.join(' ')}`, async () => {
      const { code, stdout } = await sandbox.run(['github', 'url', ...args, '--json'], { env })
      assert.deepEqual([code, JSON.parse(stdout)], [0, { url }])
    })
  }

  const wrong: [args: string[], message: RegExp][] = [
    [['o', '--run', '7', 'x'], /"o" is no repository: expected owner\/name/],
    [['o/r', 'x'], /expected one of --release, --run and --workflow/],
    [['o/r', '--run', '7', '--release', 'v1', 'x'], /expected one of/],
    [['o/r', '--run', 'seven', 'x'], /"seven" is no number of a run/],
    [['o/r', '--run', '7', '../x'], /"\.\.\/x" is no name/],
    [['o/r', '--run', '7', 'x', '--host', 'other.example'], /set GH_HOST/],
  ]
  for (const [args, message] of wrong) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await sandbox.run(['github', 'url', ...args])
      assert.deepEqual([code, stdout], [2, ''], stderr)
      assert.match(stderr, message)
    })
  }

  it('takes the token of gh where the settings ask for it, and no unknown key', async () => {
    const gh = path.join(sandbox.root, 'bin/gh')
    const folder = path.dirname(gh)
    mkdirSync(folder)
    const script = `test "$*" = "auth token --hostname ${new URL(lab.github.url).host}" && echo ${token}`
    writeFileSync(gh, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    writeFileSync(sandbox.configFile, `github: [{host: '${lab.github.url}', gh: true}]\n`)
    const url = `${lab.github.url}/Lab/kernel/releases/download/v1.2/Image.gz`
    const { code, stderr } = await sandbox.run(['fetch', url], {
      env: { PATH: `${folder}:${process.env['PATH'] ?? ''}` },
    })
    assert.equal(code, 0, stderr)
    writeFileSync(sandbox.configFile, `github: [{host: x, projects: []}]\n`)
    const broken = await sandbox.run(['list'])
    assert.equal(broken.code, 2)
    assert.match(broken.stderr, /github\[0\]: unknown key "projects"/)
  })
})
