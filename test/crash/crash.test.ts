import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { openEngine } from '#kiss/engine/open.js'
import type { Engine } from '#kiss/engine/types.js'
import { fetchAll, MovableClock } from '../support/engine.js'
import { folderInMemory } from '../support/memory-folder.js'
import { bytes, Origin, sha256 } from '../support/origin.js'

const child = fileURLToPath(new URL('child.js', import.meta.url))
const faultPoints = fileURLToPath(new URL('fault-points.js', import.meta.url))

const QUOTA = 200_000
const fresh = bytes('fresh', 150_000)
const old = bytes('old', 100_000)
const before = bytes('before', 20_000)
/** Of so many steps, the process is really killed before one; before each of the others its directory is copied. */
const REALLY = 10
const TWO_DAYS = 2 * 86_400_000
/** Bytes of all copies of one scenario, and room to spare. */
const COPIES = 100_000_000

interface Scenario {
  readonly name: string
  /** From the very start of the process, on a directory that does not exist. */
  readonly fromStart: boolean
  prepare(cacheDir: string, origin: Origin): Promise<unknown>
}

async function withEngine<T>(
  cacheDir: string,
  work: (engine: Engine) => Promise<T>,
  clock = new MovableClock(),
): Promise<T> {
  const engine = await openEngine({
    cacheDir,
    quota: QUOTA,
    clock,
    upstream: { guard: false, env: {} },
    warn: () => undefined,
  })
  try {
    return await work(engine)
  } finally {
    await engine.close()
  }
}

const scenarios: readonly Scenario[] = [
  { name: 'the first download into a new directory', fromStart: true, prepare: async () => undefined },
  {
    name: 'a download that evicts another body',
    fromStart: false,
    prepare: (cacheDir, origin) => withEngine(cacheDir, (engine) => fetchAll(engine, origin.url('/old'))),
  },
  {
    name: 'a download that replaces an older version',
    fromStart: false,
    async prepare(cacheDir, origin) {
      origin.script('/fresh', [{ body: before, etag: '"before"' }])
      await withEngine(cacheDir, (engine) => fetchAll(engine, origin.url('/fresh')))
    },
  },
]

/** Sends the body in three parts, so that there is a half of it on disk. */
function serveInParts(origin: Origin): void {
  origin.script('/fresh', [{ body: fresh, etag: '"fresh"', throttle: 2_000_000 }])
}

function serveAtOnce(origin: Origin): void {
  origin.script('/fresh', [{ body: fresh, etag: '"fresh"' }])
  origin.serve('/old', { body: old, etag: '"old"' })
}

interface Death {
  readonly signal: NodeJS.Signals | null
  readonly code: number | null
  readonly stdout: string
  /** Of a process that was killed, the last one did not happen. */
  readonly steps: string[]
}

/** Runs the process that fetches; `env` says where it dies or is copied. */
async function run(cacheDir: string, url: string, fromStart: boolean, env: Record<string, string>): Promise<Death> {
  const report = `${cacheDir}.steps`
  const started = spawn(process.execPath, ['--import', faultPoints, child, cacheDir, url, String(QUOTA)], {
    env: { PATH: process.env.PATH, CRASH_REPORT: report, ...(fromStart && { CRASH_FROM: 'start' }), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let stdout = ''
  started.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
  const [code, signal] = (await once(started, 'close')) as [number | null, NodeJS.Signals | null]
  const steps = existsSync(report) ? readFileSync(report, 'utf8').trim().split('\n') : []
  return { code, signal, stdout, steps }
}

/** What the dead left of the download: bytes that can be continued, and whether the sum was known. */
function remains(cacheDir: string): { held: number; finished: boolean } {
  const transfers = path.join(cacheDir, 'transfers')
  const generations = existsSync(transfers)
    ? readdirSync(transfers).flatMap((id) =>
        readdirSync(path.join(transfers, id)).map((n) => path.join(transfers, id, n)),
      )
    : []
  const last = generations.find((directory) => existsSync(path.join(directory, 'head.json')))
  if (last === undefined) return { held: 0, finished: false }
  const body = statSync(path.join(last, 'body'), { throwIfNoEntry: false })
  const claimed = existsSync(path.join(last, 'owner'))
  return { held: claimed ? (body?.size ?? 0) : 0, finished: existsSync(path.join(last, 'sum.json')) }
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => path.join(file.parentPath, file.name))
}

/** All that a process finds in a directory, times of files included. Directories with the same state recover alike. */
function stateOf(directory: string): string {
  if (!existsSync(directory)) return ''
  const found = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()
  return JSON.stringify(
    ['', ...found].map((name) => {
      const file = path.join(directory, name)
      const stats = statSync(file, { bigint: true })
      return [name, String(stats.mode), String(stats.mtimeNs), stats.isFile() && sha256(readFileSync(file))]
    }),
  )
}

/** Everything is right at once, nothing was asked for twice, and nothing is left over. */
async function assertRecovers(cacheDir: string, origin: Origin): Promise<void> {
  const { held, finished } = remains(cacheDir)
  const asked = origin.log('/fresh').length
  await withEngine(cacheDir, async (engine) => {
    const { body } = await fetchAll(engine, origin.url('/fresh'), { refresh: true })
    assert.ok(body.equals(fresh), 'the body is another')
    const [next, ...more] = origin.log('/fresh').slice(asked)
    if (held > 0 && held < fresh.length) {
      assert.deepEqual([next?.headers.range, next?.status], [`bytes=${held}-`, 206])
    } else if (held > 0 || finished) {
      assert.notEqual(next?.status, 200, 'all of it was there')
    }
    assert.deepEqual(more.filter(({ status }) => status === 200).length, 0, 'the body was asked for twice')
    assert.ok((await fetchAll(engine, origin.url('/old'))).body.equals(old))
    assert.ok((await fetchAll(engine, origin.url('/fresh'))).body.equals(fresh))
  })
  const clock = new MovableClock()
  clock.move(TWO_DAYS)
  await withEngine(
    cacheDir,
    async (engine) => {
      assert.deepEqual((await engine.verify()).damaged, [])
      const { damaged, orphans, dangling } = await engine.verify()
      assert.deepEqual({ damaged, orphans, dangling }, { damaged: [], orphans: [], dangling: [] })
      const blobs = filesBelow(path.join(cacheDir, 'blobs')).filter((file) => !file.endsWith('.json'))
      for (const file of blobs) assert.equal(path.basename(file), sha256(readFileSync(file)))
      const onDisk = blobs.reduce((sum, file) => sum + statSync(file).size, 0)
      const { usage } = await engine.status()
      assert.deepEqual([usage.blobs, usage.reserved], [onDisk, 0])
      assert.ok(onDisk <= QUOTA)
    },
    clock,
  )
  const strays = filesBelow(cacheDir).filter((file) => /\.(tmp|new)$|\/transfers\//.test(file))
  assert.deepEqual(strays, [])
}

describe('a process that is killed at any step that changes the disk', () => {
  for (const scenario of scenarios) {
    it(`loses and spoils nothing: ${scenario.name}`, async function () {
      this.timeout(300_000)
      const root = mkdtempSync(path.join(folderInMemory(COPIES), 'kiss-crash-'))
      const origin = await Origin.start()
      const url = origin.url('/fresh')
      const [prepared, whole, copies] = ['prepared', 'whole', 'copies'].map((name) => path.join(root, name)) as [
        string,
        string,
        string,
      ]
      const begin = (cacheDir: string): void => {
        if (existsSync(prepared)) execFileSync('cp', ['-a', prepared, cacheDir])
        serveInParts(origin)
      }
      const recovers = async (cacheDir: string, at: number, step: string | undefined): Promise<void> => {
        serveAtOnce(origin)
        await assertRecovers(cacheDir, origin).catch((error: unknown) => {
          throw new Error(`killed before step ${at}: ${step}\n${String(error)}`, { cause: error })
        })
        rmSync(cacheDir, { recursive: true, force: true })
      }
      try {
        serveAtOnce(origin)
        await scenario.prepare(prepared, origin)
        mkdirSync(copies)
        begin(whole)
        const env = { CRASH_COPIES: copies, CRASH_DIRECTORY: whole }
        const { code, stdout, steps } = await run(whole, url, scenario.fromStart, env)
        assert.deepEqual([code, stdout], [0, sha256(fresh)])
        assert.ok(steps.length > 25, `only ${steps.length} steps`)
        // The copies make the disk slow, so that most steps are made in the thread pool.
        const seen = new Set(steps.map((step) => step.split(' ')[0]?.replace(/Sync$/, '')))
        for (const name of ['mkdir', 'writeFile', 'rename', 'writev', 'all']) assert.ok(seen.has(name), name)
        // One step of six changes nothing on the disk, such as a sync: what is left before the next one has been tried.
        const tried = new Set<string>()
        for (const [i, step] of steps.entries()) {
          const copy = path.join(copies, String(i + 1))
          const state = stateOf(copy)
          if (!tried.has(state)) await recovers(copy, i + 1, step)
          tried.add(state)
        }
        assert.ok(tried.size > 25, `only ${tried.size} states`)
        await recovers(whole, steps.length + 1, undefined)

        for (let at = REALLY; at <= steps.length; at += REALLY) {
          const cacheDir = path.join(root, String(at))
          begin(cacheDir)
          const death = await run(cacheDir, url, scenario.fromStart, { CRASH_AT: String(at) })
          if (death.signal === null) assert.deepEqual([death.code, death.stdout], [0, sha256(fresh)])
          else assert.equal(death.signal, 'SIGKILL')
          await recovers(cacheDir, at, death.steps.at(-1))
        }
      } finally {
        await origin.close()
        rmSync(root, { recursive: true, force: true })
      }
    })
  }
})
