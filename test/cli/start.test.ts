import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { project, Sandbox } from '../support/cli.js'
import { bytes, Origin } from '../support/origin.js'
import { Serving } from '../support/serving.js'

/** Names of libraries, as their folders are called. */
const library = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/
/** Is this the part of the bundle with the client of HTTP? */
const isNetwork = (file: string): boolean => file.endsWith('/chunks/network.js')

describe('a start of kiss', () => {
  let sandbox: Sandbox
  let origin: Origin
  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    origin.script('/a', [{ body: bytes('a', 1000) }])
  })
  afterEach(async () => {
    await origin.close()
    sandbox.remove()
  })

  /** The files that Node loaded, by its own account: the coverage that it writes names each. */
  async function filesLoadedBy(...args: string[]): Promise<string[]> {
    const directory = mkdtempSync(path.join(sandbox.root, 'loaded-'))
    const { code, stderr } = await sandbox.run(args, { env: { NODE_V8_COVERAGE: directory } })
    assert.equal(code, 0, stderr)
    return filesIn(directory)
  }

  function filesIn(directory: string): string[] {
    return readdirSync(directory).flatMap((file) => {
      const { result } = JSON.parse(readFileSync(path.join(directory, file), 'utf8')) as { result: { url: string }[] }
      return result.map(({ url }) => url).filter((url) => url.startsWith('file:'))
    })
  }

  function librariesIn(files: readonly string[]): string[] {
    return [...new Set(files.flatMap((file) => library.exec(file)?.[1] ?? []))].sort()
  }

  it('says without a build how to build kiss, and exits 2', () => {
    const bin = path.join(sandbox.root, 'bin')
    cpSync(path.join(project, 'bin'), bin, { recursive: true })
    writeFileSync(path.join(sandbox.root, 'package.json'), '{"type": "module"}')
    const { status, stderr } = spawnSync(process.execPath, [path.join(bin, 'run.js'), 'fetch'], { encoding: 'utf8' })
    assert.deepEqual([status, stderr], [2, 'kiss is not built: run npm ci\n'])
  })

  it('loads the index for a hit, and no network, no YAML, no bars and no logs', async () => {
    await sandbox.run(['fetch', origin.url('/a')])
    const files = await filesLoadedBy('fetch', origin.url('/a'))
    const index = ['bindings', 'file-uri-to-path', 'sqlite3']
    assert.deepEqual(librariesIn(files), index)
    assert.ok(!files.some(isNetwork))
    // Each one takes as long to find and to open as many functions take to run.
    assert.ok(files.length < 40, `it loads ${files.length} files: ${files.join(', ')}`)
  })

  it('loads the network for a miss, and YAML for a configuration file', async () => {
    assert.ok((await filesLoadedBy('fetch', origin.url('/a'))).some(isNetwork))
    writeFileSync(sandbox.configFile, 'quota: 1GiB\n')
    assert.ok(librariesIn(await filesLoadedBy('fetch', origin.url('/a'))).includes('yaml'))
  })

  it('loads a client of Redis for a server of a cluster alone', async () => {
    const tokenFile = path.join(sandbox.root, 'token')
    writeFileSync(tokenFile, 'a-token-of-sixteen-characters')
    // It is a part of the bundle, which says of each part where it comes from.
    const isOfRedis = (file: string): boolean => readFileSync(fileURLToPath(file), 'utf8').includes('/@redis/client/')
    const ofServer = async (...flags: string[]): Promise<string[]> => {
      const directory = mkdtempSync(path.join(sandbox.root, 'loaded-'))
      const serving = await Serving.start(sandbox, flags, { env: { NODE_V8_COVERAGE: directory } })
      await serving.fetch(origin.url('/a'))
      await serving.stop()
      return filesIn(directory).filter(isOfRedis)
    }
    assert.deepEqual((await filesLoadedBy('fetch', origin.url('/a'))).filter(isOfRedis), [])
    assert.deepEqual(await ofServer('--allow-upstream', '127.0.0.1'), [])
    const nowhere = ['--cluster', 'redis://127.0.0.1:1', '--node-url', 'http://127.0.0.1:1']
    const ofNode = await ofServer(...nowhere, '--cluster-token-file', tokenFile)
    assert.equal(ofNode.length, 1, ofNode.join())
  })

  it('loads no library to say its version', async () => {
    assert.deepEqual(librariesIn(await filesLoadedBy('--version')), [])
  })
})
