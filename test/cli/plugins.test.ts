import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { project, type Ran } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { pluginPackage, writePlugin, type PluginFiles } from '../support/plugin.js'
import { writeReadmePlugin } from '../support/readme-plugin.js'

describe('third-party plugins', () => {
  const cli = commandLine()
  beforeEach(() => {
    cli.origin.serve('/artifact', { body: Buffer.from('the bytes') })
  })

  /** Writes the plugin to a folder beside the configuration that names it. */
  function configure(files?: PluginFiles): void {
    const folder = path.join(path.dirname(cli.sandbox.configFile), 'mem')
    writePlugin(folder, files)
    writeFileSync(cli.sandbox.configFile, `plugins: [./mem]\nmem: {server: ${cli.origin.url('/')}}\n`)
  }

  async function worksWith(run: (args: string[]) => Promise<Ran>): Promise<void> {
    const fetched = await run(['fetch', '-o', '-', 'mem:/artifact'])
    assert.deepEqual([fetched.code, fetched.stdout, fetched.stderr], [0, 'the bytes', ''])
    const counted = await run(['mem', 'count', '--json'])
    assert.deepEqual([counted.code, counted.stderr], [0, ''])
    assert.deepEqual(JSON.parse(counted.stdout), { entries: 1 })
  }

  it('bring a provider and a command from a folder of their own', async () => {
    configure()
    await worksWith((args) => cli.sandbox.run(args))
  })

  it('print what run returns under --json, falsy results too', async () => {
    const results: [returned: string, printed: unknown][] = [
      ['{ entries: 0 }', { entries: 0 }],
      ['0', 0],
      ["''", ''],
      ['false', false],
      ['null', null],
      ['[]', []],
      ['undefined', {}],
    ]
    const source = (result: string): string =>
      `import { BaseCommand } from 'kiss-cache/plugin'
      export default class extends BaseCommand { async run() { this.log('for people'); return ${result} } }`
    const commands = results.map(([result], i) => [`commands/mem/r${i}.js`, source(result)] as const)
    configure(Object.fromEntries(commands))
    for (const [i, [, printed]] of results.entries()) {
      const { code, stdout, stderr } = await cli.sandbox.run(['mem', `r${i}`, '--json'])
      assert.deepEqual([code, stderr, JSON.parse(stdout)], [0, '', printed])
    }
    assert.equal((await cli.sandbox.run(['mem', 'r6'])).stdout, 'for people\n')
  })

  it('work as the README shows them', async () => {
    const folder = path.join(cli.sandbox.root, 'kiss-lab')
    writeReadmePlugin(folder)
    // What `npm install` would bring.
    mkdirSync(path.join(folder, 'node_modules'))
    symlinkSync(project, path.join(folder, 'node_modules/kiss-cache'))
    execFileSync(path.join(project, 'node_modules/.bin/oclif'), ['manifest'], { cwd: folder, stdio: 'ignore' })
    writeFileSync(cli.sandbox.configFile, `plugins: [${folder}]\nlab:\n  server: ${cli.origin.url('/')}\n`)
    cli.origin.serve('/builds/7/Image.gz', { body: Buffer.from('image'), requires: { authorization: 'Bearer secret' } })
    const env = { LAB_TOKEN: 'secret' }
    const fetched = await cli.sandbox.run(['fetch', '-o', '-', 'lab:/builds/7/Image.gz'], { env })
    assert.deepEqual([fetched.code, fetched.stdout, fetched.stderr], [0, 'image', ''])
    const kept = await cli.sandbox.run(['lab', 'kept'], { env })
    assert.deepEqual([kept.code, kept.stdout], [0, 'lab:/builds/7/Image.gz\n'])
    const json = await cli.sandbox.run(['lab', 'kept', '--json'], { env })
    assert.deepEqual(JSON.parse(json.stdout), { urls: ['lab:/builds/7/Image.gz'] })
  })

  it('are found by the name of a package that was installed from a tarball', async () => {
    const source = path.join(cli.sandbox.root, 'source')
    const place = path.join(cli.sandbox.root, 'place')
    writePlugin(source)
    mkdirSync(place)
    writeFileSync(path.join(place, 'package.json'), '{"private": true}')
    const npm = (args: string[], cwd: string): string =>
      execFileSync('npm', [...args, '--offline', '--no-audit', '--no-fund', '--loglevel=error'], {
        cwd,
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: cli.sandbox.home },
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    const tarball = npm(['pack', '--pack-destination', place], source).trim()
    npm(['install', `./${tarball}`], place)
    writeFileSync(path.join(place, 'kiss.yaml'), `plugins: kiss-mem\nmem: {server: ${cli.origin.url('/')}}\n`)
    await worksWith((args) => cli.sandbox.run([...args, '--config', path.join(place, 'kiss.yaml')], { cwd: '/' }))
  })

  it('can be named by KISS_PLUGINS, relative to the working directory', async () => {
    writePlugin(path.join(cli.sandbox.cwd, 'mem'))
    const { code, stdout } = await cli.sandbox.run(['mem', 'count'], { env: { KISS_PLUGINS: './mem' } })
    assert.deepEqual([code, stdout], [0, 'entries: 0\n'])
  })

  it('have bugs that are told in one line, and in full with DEBUG', async () => {
    const bug = 'export default class extends Object { static enableJsonFlag = true; static async run() { null.x } }'
    const late =
      'export default class extends Object { static async run() { setImmediate(() => null.x); await new Promise((r) => setTimeout(r, 1e4)) } }'
    configure({ 'commands/mem/count.js': bug, 'commands/mem/late.js': late })
    for (const command of ['count', 'late']) {
      const { code, stdout, stderr } = await cli.sandbox.run(['mem', command])
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, /^kiss: a bug: TypeError: .*null.*; DEBUG=kiss shows where\n$/)
      const json = await cli.sandbox.run(['mem', command, '--json'])
      assert.deepEqual([json.code, json.stderr], [1, ''])
      assert.equal((JSON.parse(json.stdout) as { error: { code: string } }).error.code, 'internal')
      assert.match((await cli.sandbox.run(['mem', command], { env: { DEBUG: 'kiss' } })).stderr, /^ {4}at .*mem/m)
    }
  })

  it('choose their own exit codes, the same with and without --json', async () => {
    configure()
    for (const flags of [[], ['--json']]) {
      const { code, stdout, stderr } = await cli.sandbox.run(['mem', 'count', '--fail', '7', ...flags])
      assert.equal(code, 7)
      if (flags.length === 0) assert.deepEqual([stdout, stderr], ['', 'kiss: it failed as asked\n'])
      else assert.deepEqual(JSON.parse(stdout), { error: { code: 'failed', message: 'it failed as asked' } })
    }
  })

  const hooks = { 'kiss-providers': './provider.js' }
  const noManifest =
    /plugin kiss-mem: it has no oclif\.manifest\.json; build the plugin, or run "npx oclif@4 manifest" in \/.*\/mem$/m
  const faults: [name: string, files: PluginFiles, args: string[], message: RegExp][] = [
    ['is not there', { 'package.json': undefined }, ['list'], /plugin \.\/mem: .*has no package\.json/],
    [
      'is no oclif plugin',
      { 'package.json': pluginPackage({ oclif: undefined }) },
      ['list'],
      /plugin kiss-mem: its package\.json has no "oclif"/,
    ],
    [
      'has a command that does not load',
      { 'commands/mem/count.js': 'import "nowhere"' },
      ['mem', 'count'],
      /plugin kiss-mem: its command mem count does not load: .*nowhere/,
    ],
    [
      'brings a command that is there',
      { 'commands/list.js': 'export default class extends Object { static run() {} }' },
      ['list'],
      /plugin kiss-mem: its command list is there already, from kiss$/m,
    ],
    [
      'has a hook that throws',
      { 'provider.js': 'export default async () => { throw new Error("no luck") }' },
      ['list'],
      /plugin kiss-mem: its providers do not load: no luck/,
    ],
    [
      'has a hook that is not there',
      { 'provider.js': undefined },
      ['list'],
      /plugin kiss-mem: its providers do not load: /,
    ],
    [
      'misspells the hook',
      {
        'package.json': pluginPackage({
          oclif: { commands: './commands', hooks: { 'kiss-provider': './provider.js' } },
        }),
      },
      ['list'],
      /plugin kiss-mem: kiss runs no hook named kiss-provider; the name may be kiss-providers$/m,
    ],
    [
      'has a hook that registers nothing',
      { 'provider.js': 'export default async () => {}' },
      ['list'],
      /plugin kiss-mem: its hook kiss-providers registered no provider$/m,
    ],
    ['has no manifest', { 'oclif.manifest.json': undefined }, ['list'], noManifest],
    [
      'has no manifest and no command that loads',
      { 'oclif.manifest.json': undefined, 'commands/mem/count.js': 'import "nowhere"' },
      ['mem', 'count'],
      noManifest,
    ],
    [
      'has no manifest, and a provider alone',
      { 'oclif.manifest.json': undefined, 'package.json': pluginPackage({ oclif: { hooks } }) },
      ['list'],
      noManifest,
    ],
    [
      'has no manifest and was not built',
      { 'oclif.manifest.json': undefined, 'package.json': pluginPackage({ oclif: { commands: './dist/commands' } }) },
      ['list'],
      noManifest,
    ],
    [
      'has a hook without a function',
      { 'provider.js': 'export const nothing = 1' },
      ['list'],
      /plugin kiss-mem: its hook kiss-providers exports no function/,
    ],
    [
      'registers what is no provider',
      { 'provider.js': 'export default async ({ register }) => register({ name: "x", priority: 1 })' },
      ['list'],
      /plugin kiss-mem: its providers do not load: it registered a provider named x without matches\(\)/,
    ],
    [
      'registers a name that is taken',
      {
        'provider.js':
          'export default async ({ register }) => register({ name: "http", priority: 1, matches: () => false, cacheKey: (u) => u })',
      },
      ['list'],
      /plugin kiss-mem: .*a provider named http already/,
    ],
  ]
  for (const [name, files, args, message] of faults) {
    it(`stop the command, by name, where one ${name}`, async () => {
      configure(files)
      const plain = await cli.sandbox.run(args)
      assert.deepEqual([plain.code, plain.stdout], [2, ''], plain.stderr)
      assert.match(plain.stderr, message)
      assert.equal(plain.stderr.split('\n').length, 2, plain.stderr)
      const json = await cli.sandbox.run([...args, '--json'])
      assert.equal(json.code, 2)
      assert.equal((JSON.parse(json.stdout) as { error: { code: string } }).error.code, 'configuration')
    })
  }
})
