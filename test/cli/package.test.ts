import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { project, Sandbox } from '../support/cli.js'
import { folderInMemory } from '../support/memory-folder.js'
import { bytes, Origin } from '../support/origin.js'
import { environment } from '../support/processes.js'

const { dependencies } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
}

/** A plugin that imports from every entry point, with a type error that has to be seen. */
const consumer = `
import type { Hook } from '@oclif/core'
import { openEngine, type FetchRequest, type UpstreamProvider } from 'kiss-cache'
import { BaseCommand, Flags, flagsFor } from 'kiss-cache/plugin'
import { providerChecks, type ProviderSamples } from 'kiss-cache/provider-contract'

const provider: UpstreamProvider = {
  name: 'lab',
  priority: 1,
  matches: (url) => url.protocol === 'lab:',
  cacheKey: (url) => url,
}
const hook: Hook<'kiss-providers'> = async ({ register, serving }) => {
  if (!serving) register(provider)
  // @ts-expect-error: a name alone is no provider
  register({ name: 'lab' })
}
export default hook
export class Lab extends BaseCommand {
  static override flags = { ...flagsFor(['cache-dir']), much: Flags.integer() }
  async run(): Promise<{ much: number | undefined }> {
    return { much: (await this.parse(Lab)).flags.much }
  }
}
export const checks = (samples: ProviderSamples): string[] => providerChecks(() => provider, samples).map(({ name }) => name)
export const all = (request: FetchRequest) => openEngine({ cacheDir: '/x' }).then((engine) => engine.fetch(request))
`

/** Bytes that the package takes with all its libraries, which are 8,200 files, and room to spare. */
const INSTALLED = 200_000_000

describe('the package', () => {
  let sandbox: Sandbox
  /** Where npm installs. */
  let prefix: string
  /** The tarball. */
  let packed: string
  /** The program of the unpacked tarball. */
  let installed: string
  before(() => {
    sandbox = new Sandbox()
    prefix = mkdtempSync(path.join(folderInMemory(INSTALLED), 'kiss-prefix-'))
    packed = pack()
    installed = install()
  })
  after(() => {
    sandbox.remove()
    rmSync(prefix, { recursive: true, force: true })
  })

  function pack(): string {
    const options = { cwd: project, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: sandbox.home } } as const
    const name = execFileSync(
      'npm',
      ['pack', '--silent', '--ignore-scripts', '--pack-destination', sandbox.root],
      options,
    )
    return path.join(sandbox.root, name.trim())
  }

  /** As `npm install` lays it out: the package, and beside it only the libraries that it declares, from the checkout. */
  function install(): string {
    const modules = path.join(sandbox.root, 'node_modules')
    mkdirSync(modules)
    execFileSync('tar', ['xzf', packed, '-C', modules])
    execFileSync('mv', [path.join(modules, 'package'), path.join(modules, 'kiss-cache')])
    const own = path.join(project, 'node_modules')
    for (const name of Object.keys(dependencies)) {
      mkdirSync(path.dirname(path.join(modules, name)), { recursive: true })
      symlinkSync(path.join(own, name), path.join(modules, name))
    }
    return path.join(modules, 'kiss-cache/bin/run.js')
  }

  it('is a working kiss with its four plugins, also through a symlink', async () => {
    const link = path.join(sandbox.root, 'kiss')
    symlinkSync(installed, link)
    assert.equal((await sandbox.start(['list'], { bin: link }).ended).stdout, '0 entries, 0 B\n')
    for (const topic of ['s3', 'gitlab', 'github', 'lava']) {
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
  })

  for (const compiler of ['typescript', 'typescript-5.9']) {
    it(`has types that compile with ${compiler} and skipLibCheck false`, function () {
      this.timeout(180_000)
      const modules = path.join(sandbox.root, 'node_modules')
      mkdirSync(path.join(modules, '@types'), { recursive: true })
      rmSync(path.join(modules, '@types/node'), { force: true })
      symlinkSync(path.join(project, 'node_modules/@types/node'), path.join(modules, '@types/node'))
      writeFileSync(path.join(sandbox.root, 'package.json'), '{"type": "module"}')
      const compilerOptions = {
        target: 'ES2022',
        // Without the DOM, which costs the compilers a third of their time.
        lib: ['ES2022'],
        module: 'NodeNext',
        types: ['node'],
        strict: true,
        skipLibCheck: false,
        exactOptionalPropertyTypes: true,
        noEmit: true,
      }
      writeFileSync(path.join(sandbox.root, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['plugin.ts'] }))
      writeFileSync(path.join(sandbox.root, 'plugin.ts'), consumer)
      const tsc = path.join(project, 'node_modules', compiler, 'bin/tsc')
      // A compiler that runs once spends a fifth of its time to optimize itself.
      const args = ['--no-opt', tsc, '-p', sandbox.root]
      const compiled = spawnSync(process.execPath, args, { encoding: 'utf8', env: environment })
      assert.deepEqual([compiled.stdout, compiled.status], ['', 0])
    })
  }

  it('becomes a kiss on the path by npm install --global', async function () {
    this.timeout(120_000)
    const args = ['install', '--global', '--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund']
    // The npm of this machine with its own settings: they say where its registry is.
    const npm = spawnSync('npm', [...args, '--ignore-scripts', packed], { encoding: 'utf8', timeout: 110_000 })
    if (npm.status !== 0 && /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/.test(npm.stderr))
      return this.skip()
    assert.equal(npm.status, 0, npm.stderr)
    const bin = path.join(prefix, 'bin/kiss')
    const unbuilt = await sandbox.start(['list'], { bin }).ended
    assert.deepEqual(
      [unbuilt.code, unbuilt.stderr],
      [
        2,
        'kiss: SQLite cannot be loaded: the install script of sqlite3 did not run, or for another Node.js; install kiss again, with --allow-scripts=sqlite3\n',
      ],
    )
    // What its install script would build takes a minute.
    const modules = path.join(prefix, 'lib/node_modules/kiss-cache/node_modules')
    const sqlite = path.join(modules, 'sqlite3')
    const versionOf = (folder: string): unknown =>
      (JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { version: unknown }).version
    assert.equal(versionOf(sqlite), versionOf(path.join(project, 'node_modules/sqlite3')))
    const copies = readdirSync(modules, { recursive: true, encoding: 'utf8' })
    assert.deepEqual(
      copies.filter(
        (name) => path.basename(name) === 'sqlite3' && existsSync(path.join(modules, name, 'package.json')),
      ),
      ['sqlite3'],
    )
    rmSync(sqlite, { recursive: true })
    symlinkSync(path.join(project, 'node_modules/sqlite3'), sqlite)
    assert.match((await sandbox.start(['--version'], { bin }).ended).stdout, /^kiss\/\d+\.\d+\.\d+ /)
    for (const topic of ['s3', 'gitlab', 'github', 'lava'])
      assert.equal((await sandbox.run([topic, '--help'], { bin })).code, 0)
    const origin = await Origin.start()
    try {
      origin.serve('/a', { body: bytes('package', 1000) })
      const { code, stderr } = await sandbox.start(['fetch', origin.url('/a')], { bin }).ended
      assert.deepEqual([code, stderr], [0, ''])
      assert.deepEqual(readFileSync(path.join(sandbox.cwd, 'a')), bytes('package', 1000))
    } finally {
      await origin.close()
    }
  })
})
