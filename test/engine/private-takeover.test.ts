import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { KissError } from '#kiss/errors.js'
import type { Engine } from '#kiss/engine/types.js'
import { fetchAll, readArtifact, testEngines } from '../support/engine.js'
import { project } from '../support/cli.js'
import { bytes, latch, Origin } from '../support/origin.js'
import { environment } from '../support/processes.js'
import { Rights } from '../support/rights.js'
import { until } from '../support/until.js'

const refusedWith = (status: number) => (error: unknown) => error instanceof KissError && error.status === status
const as = (token: string): { headers: Record<string, string> } => ({ headers: { 'private-token': token } })

describe('a private download of another process', () => {
  const engines = testEngines()
  const body = bytes('takeover', 400_000)
  const there = 100_000
  const children: ChildProcess[] = []
  let origin: Origin
  let rights: Rights
  let cacheDir: string
  beforeEach(async () => {
    origin = await Origin.start()
    rights = new Rights(origin, '/f').give({ body, etag: '"v1"' }, 'alice', 'bob')
    cacheDir = await engines.folder()
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await origin.close()
  })

  /** `kiss fetch` with alice's token in a process of its own; the origin holds it in the middle of the body. */
  const owner = async (until: Promise<unknown>): Promise<ChildProcess> => {
    rights.fault = { stall: { after: there, until } }
    const args = ['fetch', '--cache-dir', cacheDir, '-o', '-', '-H', 'PRIVATE-TOKEN: alice', rights.url]
    const child = spawn(process.execPath, [`${project}/bin/run.js`, ...args], {
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    // Read to its end: a program whose reader has had enough would stop.
    await new Promise<void>((resolve) => {
      let received = 0
      child.stdout.on('data', (chunk: Buffer) => {
        received += chunk.length
        if (received >= there) resolve()
      })
    })
    rights.fault = {}
    return child
  }
  const killed = async (child: ChildProcess): Promise<void> => {
    const closed = once(child, 'exit')
    child.kill('SIGKILL')
    await closed
  }
  const start = async (kiss: Engine, token: string): ReturnType<Engine['fetch']> =>
    kiss.fetch({ url: new URL(rights.url), ...as(token) })

  it('is followed by clients with a right to it, and by no other', async () => {
    const gate = latch()
    await owner(gate.opened)
    const kiss = await engines.engine({ cacheDir })
    await assert.rejects(fetchAll(kiss, rights.url, as('mallory')), refusedWith(401))
    await assert.rejects(fetchAll(kiss, rights.url), refusedWith(401))
    const artifact = await start(kiss, 'bob')
    assert.deepEqual([artifact.as, artifact.private, artifact.detail], ['collapsed', true, 'authorised'])
    gate.open()
    assert.ok((await readArtifact(artifact)).equals(body))
    assert.deepEqual(
      rights.bodies.map(({ shown }) => shown),
      ['alice'],
    )
  })

  it('is continued by its follower with the follower’s own credential when its process is killed', async () => {
    const child = await owner(new Promise(() => undefined))
    const kiss = await engines.engine({ cacheDir })
    const artifact = await start(kiss, 'bob')
    assert.equal(await artifact.content.read(Buffer.alloc(10), 0), 10)
    await killed(child)
    assert.ok((await readArtifact(artifact)).equals(body))
    const rest = rights.asked.at(-1)!
    assert.deepEqual([rest.shown, rest.status, rest.headers.range], ['bob', 206, `bytes=${there}-`])
    assert.equal((await artifact.finished())?.private, true)
  })

  it('shows none of its bytes to a credential that takes it over and that the origin has not accepted', async () => {
    const child = await owner(new Promise(() => undefined))
    const kiss = await engines.engine({ cacheDir })
    // Mallory's request follows, is refused, and leaves a follower behind that holds mallory's credential.
    await assert.rejects(fetchAll(kiss, rights.url, as('mallory')), refusedWith(401))
    const gate = latch()
    rights.holds.set('mallory', gate.opened)
    await killed(child)
    await until('the takeover', () => rights.asked.some(({ shown, method }) => shown === 'mallory' && method === 'GET'))
    // Now the takeover waits for the origin's word; the bytes of alice are in its file.
    await assert.rejects(fetchAll(kiss, rights.url, as('mallory')), refusedWith(401))
    await assert.rejects(fetchAll(kiss, rights.url), refusedWith(401))
    gate.open()
    assert.ok((await fetchAll(kiss, rights.url, as('bob'))).body.equals(body))
    await assert.rejects(fetchAll(kiss, rights.url, as('mallory')), refusedWith(401))
  })

  it('keeps the other content of whoever takes it over from a reader that vouched for the first one meanwhile', async () => {
    rights.give({ body: bytes('mallory’s own', 400_000), etag: '"m"' }, 'mallory')
    const child = await owner(new Promise(() => undefined))
    const kiss = await engines.engine({ cacheDir })
    // Mallory's own download ends; what followed alice's stays behind with mallory's credential.
    await fetchAll(kiss, rights.url, as('mallory'))
    const [asked, ending] = [latch(), latch()]
    rights.holds.set('mallory', asked.opened)
    rights.fault = { stall: { after: there, until: ending.opened } }
    await killed(child)
    await until('a request for the rest', () =>
      rights.asked.some(({ shown, headers }) => shown === 'mallory' && headers.range !== undefined),
    )
    const first = await start(kiss, 'bob')
    asked.open()
    await assert.rejects(readArtifact(first), { code: 'content-changed' })
    const second = await start(kiss, 'bob')
    const begun = Buffer.alloc(10)
    await second.content.read(begun, 0)
    ending.open()
    const whole = await readArtifact(second)
    assert.ok(begun.equals(body.subarray(0, 10)))
    assert.ok(whole.equals(body))
  })

  it('stays private when a follower without a credential takes it over', async () => {
    rights.holds.set('', Promise.resolve())
    const child = await owner(new Promise(() => undefined))
    const kiss = await engines.engine({ cacheDir })
    await assert.rejects(fetchAll(kiss, rights.url), refusedWith(401))
    rights.give({ body, etag: '"v1"' }, '')
    await killed(child)
    const artifact = await start(kiss, 'bob')
    assert.ok((await readArtifact(artifact)).equals(body))
    assert.equal((await artifact.finished())?.private, true)
  })

  it('is begun anew by a process that came after its owner died', async () => {
    await killed(await owner(new Promise(() => undefined)))
    const kiss = await engines.engine({ cacheDir })
    await assert.rejects(fetchAll(kiss, rights.url, as('mallory')), refusedWith(401))
    assert.ok((await fetchAll(kiss, rights.url, as('bob'))).body.equals(body))
    assert.equal(rights.bodies.at(-1)?.headers.range, undefined)
  })
})
