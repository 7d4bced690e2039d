import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { project } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { environment } from '../support/processes.js'

type Scripts = Readonly<Record<string, string>>

describe('kiss plugin new', () => {
  const cli = commandLine()

  it('writes a plugin that compiles, keeps the provider contract, packs and works', async function () {
    this.timeout(180_000)
    const made = await cli.sandbox.run(['plugin', 'new', 'lab', '--json'])
    assert.deepEqual([made.code, made.stderr], [0, 'next: cd kiss-lab && npm install && npm test\n'])
    const { folder, files } = JSON.parse(made.stdout) as { folder: string; files: string[] }
    assert.ok(files.includes('src/provider.ts'))
    const plugin = path.join(cli.sandbox.cwd, folder)
    // What `npm install` would bring.
    mkdirSync(path.join(plugin, 'node_modules'))
    for (const name of ['kiss-cache', 'typescript', 'oclif', '@types', '@oclif']) {
      const target = name === 'kiss-cache' ? project : path.join(project, 'node_modules', name)
      symlinkSync(target, path.join(plugin, 'node_modules', name))
    }
    const tools = `${project}/node_modules/.bin:${process.env['PATH'] ?? ''}`
    const env = { ...environment, HOME: cli.sandbox.home, PATH: tools }
    const tested = spawnSync('npm', ['test'], { cwd: plugin, encoding: 'utf8', env })
    assert.equal(tested.status, 0, `${tested.stdout}${tested.stderr}`)
    assert.match(tested.stdout, /^# pass 2\d$|^ℹ pass 2\d$/m)
    // What `npm pack` runs first has run as a part of `npm test`. A second build would take as long as the first one.
    const { scripts } = JSON.parse(readFileSync(path.join(plugin, 'package.json'), 'utf8')) as { scripts: Scripts }
    assert.equal(scripts['prepack'], 'npm run build')
    assert.match(scripts['test'] ?? '', /^npm run build && /)
    const pack = ['pack', '--json', '--silent', '--ignore-scripts']
    const packed = execFileSync('npm', pack, { cwd: plugin, encoding: 'utf8', env })
    const [{ files: inside } = { files: [] }] = JSON.parse(packed.slice(packed.indexOf('[\n'))) as {
      files: { path: string }[]
    }[]
    const names = inside.map((file) => file.path)
    assert.deepEqual(
      ['oclif.manifest.json', 'dist/provider.js', 'dist/provider.test.js'].map((name) => names.includes(name)),
      [true, true, false],
    )

    writeFileSync(cli.sandbox.configFile, `plugins: [${plugin}]\nlab: {server: ${cli.origin.url('/')}}\n`)
    cli.origin.serve('/Image.gz', { body: Buffer.from('image'), requires: { authorization: 'Bearer secret' } })
    const fetched = await cli.sandbox.run(['fetch', '-o', '-', 'lab:/Image.gz'], { env: { LAB_TOKEN: 'secret' } })
    assert.deepEqual([fetched.code, fetched.stdout, fetched.stderr], [0, 'image', ''])
    const kept = await cli.sandbox.run(['lab', 'kept', '--json'])
    assert.deepEqual([kept.code, JSON.parse(kept.stdout)], [0, { urls: ['lab:/Image.gz'] }])
  })

  const wrong: [args: string[], message: RegExp][] = [
    [['Lab'], /"Lab" is no name: expected small letters and digits/],
    [['../x'], /"\.\.\/x" is no name/],
    [['https'], /https is taken/],
    [['fetch'], /fetch is taken: kiss has a command or URLs of that name/],
    [['lava'], /lava is taken/],
  ]
  for (const [args, message] of wrong) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await cli.sandbox.run(['plugin', 'new', ...args])
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, message)
    })
  }

  it('writes into no folder that has something in it', async () => {
    mkdirSync(path.join(cli.sandbox.cwd, 'there/inside'), { recursive: true })
    const { code, stderr } = await cli.sandbox.run(['plugin', 'new', 'lab', '-d', 'there'])
    assert.deepEqual([code, stderr], [2, 'kiss: there is not empty\n'])
  })
})
