import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { KissError } from '#kiss/errors.js'
import type { Engine, EngineOptions } from '#kiss/engine/types.js'
import { openEngine } from '#kiss/engine/open.js'
import { Sandbox, type Ran } from '../support/cli.js'
import { fetchAll, HastyClock } from '../support/engine.js'
import { bytes, Origin } from '../support/origin.js'
import { mountTmpfs, type Tmpfs } from '../support/tmpfs.js'

const MIB = 1024 * 1024

describe('a disk that is full', () => {
  let disk: Tmpfs
  let cacheDir: string
  let origin: Origin
  let engines: Engine[]
  let warnings: string[]

  beforeEach(async function () {
    const mounted = mountTmpfs(8 * MIB)
    if (mounted === undefined) {
      console.log('      skipped: this process may not mount a tmpfs')
      return this.skip()
    }
    disk = mounted
    cacheDir = join(disk.path, 'cache')
    engines = []
    warnings = []
    origin = await Origin.start()
    for (const [name, size] of [
      ['a', 2],
      ['b', 2],
      ['c', 2],
      ['large', 4],
      ['huge', 12],
      ['small', 0.1],
    ] as const) {
      origin.serve(`/${name}`, { body: bytes(name, size * MIB), etag: `"${name}"` })
    }
  })
  afterEach(async () => {
    await Promise.all(engines.map((engine) => engine.close()))
    await origin.close()
    disk.remove()
  })

  async function open(options: Partial<EngineOptions> = {}): Promise<Engine> {
    const engine = await openEngine({
      cacheDir,
      clock: new HastyClock(),
      upstream: { guard: false, env: {} },
      warn: (line) => void warnings.push(line),
      ...options,
    })
    engines.push(engine)
    return engine
  }

  async function get(engine: Engine, name: string): Promise<string> {
    const { as, body } = await fetchAll(engine, origin.url(`/${name}`))
    const served = origin.log(`/${name}`).length
    assert.ok(body.equals(bytes(name, body.length)), `${name} after ${served} requests`)
    return as
  }

  async function refused(engine: Engine, name: string): Promise<KissError> {
    return get(engine, name).then(
      () => assert.fail(`${name} was served`),
      (error: unknown) => error as KissError,
    )
  }

  /** Nothing truncated stays, and nothing is wrong. */
  async function assertClean(engine: Engine): Promise<void> {
    const { damaged, orphans, dangling } = await engine.verify()
    assert.deepEqual({ damaged, orphans, dangling }, { damaged: [], orphans: [], dangling: [] })
    assert.deepEqual(readdirSync(join(cacheDir, 'transfers')), [])
    assert.equal((await engine.status()).usage.reserved, 0)
  }

  it('gets room by evicting the least recently used blobs, whatever the quota', async () => {
    const engine = await open()
    for (const name of ['a', 'b', 'c']) await get(engine, name)
    assert.equal(await get(engine, 'large'), 'miss')
    assert.equal(await get(engine, 'large'), 'hit')
    assert.equal(await get(engine, 'c'), 'hit')
    assert.equal(await get(engine, 'a'), 'miss')
    await assertClean(engine)
  })

  it('gets room for files by evicting, although bytes are free', async () => {
    const engine = await open()
    for (const name of ['a', 'b', 'c']) await get(engine, name)
    disk.useUpInodes()
    assert.equal(await get(engine, 'small'), 'miss')
    assert.equal(await get(engine, 'small'), 'hit')
    await assertClean(engine)
  })

  it('fails what even an empty one could not hold, clearly, and serves the rest', async () => {
    const engine = await open()
    await get(engine, 'a')
    const error = await refused(engine, 'huge')
    assert.deepEqual([error.code, error.status, error.exit], ['disk', 507, 6])
    assert.match(error.message, /^it takes 12582912 bytes, and the disk of .* has room for \d+ bytes$/)
    assert.equal(await get(engine, 'a'), 'hit')
    assert.equal(await get(engine, 'large'), 'miss')
    assert.equal(await get(engine, 'large'), 'hit')
    await assertClean(engine)
  })

  it('serves stored bodies while another program has taken the last byte, and recovers when there is room again', async () => {
    const engine = await open()
    await get(engine, 'small')
    disk.fill()
    assert.equal(await get(engine, 'small'), 'hit')
    const error = await refused(engine, 'a')
    assert.deepEqual([error.code, error.status], ['disk', 507])
    rmSync(join(disk.path, 'filler'))
    assert.equal(await get(engine, 'a'), 'miss')
    assert.equal(await get(engine, 'a'), 'hit')
    await assertClean(engine)
  })

  it('makes kiss fetch exit 6 and leaves no file', async () => {
    const sandbox = new Sandbox()
    try {
      const { code, stderr } = await sandbox.run(['fetch', origin.url('/huge')], { env: { KISS_CACHE_DIR: cacheDir } })
      assert.equal(code, 6, stderr)
      assert.match(stderr, /the disk of .* has room for/)
      assert.deepEqual(readdirSync(sandbox.cwd), [])
      await assertClean(await open())
    } finally {
      sandbox.remove()
    }
  })

  it('that is read-only serves what is stored, says so where it must write, and stores again when it can', async () => {
    const before = await open()
    await get(before, 'small')
    await before.close()
    disk.setReadOnly(true)
    const reading = await open()
    assert.equal(await get(reading, 'small'), 'hit')
    const error = await refused(reading, 'a')
    assert.deepEqual([error.code, error.exit], ['disk', 6])
    assert.match(error.message, /^the cache directory .* is read-only$/)
    await reading.close()
    disk.setReadOnly(false)
    const engine = await open()
    assert.equal(await get(engine, 'small'), 'hit')
    assert.equal(await get(engine, 'a'), 'miss')
    await assertClean(engine)
  })

  it('that becomes read-only under a working service serves what is stored, refuses the rest clearly, and recovers', async () => {
    const engine = await open()
    await get(engine, 'small')
    const thaw = disk.freeze(cacheDir)
    let error: KissError
    let ran: Ran
    const sandbox = new Sandbox()
    try {
      assert.equal(await get(engine, 'small'), 'hit')
      error = await refused(engine, 'a')
      ran = await sandbox.run(['fetch', origin.url('/a')], { env: { KISS_CACHE_DIR: cacheDir } })
    } finally {
      thaw()
      sandbox.remove()
    }
    assert.deepEqual([error.code, error.status], ['disk', 507])
    assert.match(error.message, /^the cache directory .* is read-only$/)
    assert.deepEqual([ran.code, ran.stdout], [6, ''])
    assert.match(ran.stderr, /^kiss: the cache directory .* is read-only/)
    assert.equal(await get(engine, 'a'), 'miss')
    assert.equal(await get(engine, 'a'), 'hit')
    await assertClean(engine)
  })

  it('that has an empty read-only one mounted over it is a clear error, and serves again without it', async () => {
    const engine = await open()
    await get(engine, 'small')
    const away = `${cacheDir}-away`
    renameSync(cacheDir, away)
    mkdirSync(cacheDir)
    const thaw = disk.freeze(cacheDir)
    let error: KissError
    try {
      error = await refused(engine, 'a')
    } finally {
      thaw()
    }
    assert.deepEqual([error.code, error.status], ['disk', 507])
    assert.match(error.message, /^the index .* was removed or replaced while it was in use$/)
    rmdirSync(cacheDir)
    renameSync(away, cacheDir)
    assert.equal(await get(engine, 'small'), 'hit')
    assert.equal(await get(engine, 'a'), 'miss')
    await assertClean(engine)
  })

  it('that loses the bodies under a working service has them again, also one that several names share', async () => {
    const engine = await open()
    origin.serve('/twin', { body: bytes('small', 0.1 * MIB), etag: '"twin"' })
    await get(engine, 'small')
    assert.equal((await fetchAll(engine, origin.url('/twin'))).as, 'miss')
    rmSync(join(cacheDir, 'blobs'), { recursive: true })
    assert.equal(await get(engine, 'small'), 'miss')
    assert.equal(await get(engine, 'small'), 'hit')
    await assertClean(engine)
  })

  it('that loses the whole cache directory under a working service is a clear error until the restart', async () => {
    const engine = await open()
    await get(engine, 'small')
    rmSync(cacheDir, { recursive: true })
    const error = await refused(engine, 'a')
    assert.deepEqual([error.code, error.status, error.hint], ['disk', 507, 'restart kiss'])
    await engine.close()
    const restarted = await open()
    assert.equal(await get(restarted, 'a'), 'miss')
    assert.equal(await get(restarted, 'a'), 'hit')
    await assertClean(restarted)
  })
})
