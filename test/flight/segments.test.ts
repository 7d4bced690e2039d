import assert from 'node:assert/strict'
import type { Engine, EngineOptions } from '#kiss/engine/types.js'
import { MovableClock, readArtifact, testEngines } from '../support/engine.js'
import { bytes, Origin, type Step } from '../support/origin.js'

const MiB = 1024 * 1024

describe('a large download', () => {
  const engines = testEngines()
  const body = bytes('segments', 4 * MiB)
  let origin: Origin
  beforeEach(async () => (origin = await Origin.start()))
  afterEach(() => origin.close())

  /** Sizes and times of a tenth, so that a small body has many segments. */
  const open = (options: Partial<EngineOptions> = {}, connections = 8): Promise<Engine> =>
    engines.engine({
      parallel: {
        connections,
        least: 256 * 1024,
        smallest: 64 * 1024,
        largest: 256 * 1024,
        interval: 25,
        fast: Infinity,
      },
      ...options,
    })
  const fetch = async (engine: Engine): Promise<Buffer> =>
    readArtifact(await engine.fetch({ url: new URL(origin.url('/f')) }))
  const slow: Step = { body, etag: '"1"', throttle: 2 * MiB }
  /** The first segment takes a quarter of a second at 4 MiB/s: the answer to the second one comes before its end. */
  const longSegments = { least: 256 * 1024, smallest: 64 * 1024, largest: MiB, interval: 25, fast: Infinity }
  /** More than one connection was used. */
  const ranges = (): string[] => origin.log('/f').flatMap(({ headers }) => headers.range ?? [])

  it('comes by ranges in parallel from an origin that limits each connection, and no byte twice', async () => {
    origin.script('/f', [slow])
    const engine = await open()
    assert.ok((await fetch(engine)).equals(body))
    assert.ok(ranges().length > 1, `${ranges().length} ranges`)
    for (const { headers } of origin.log('/f').slice(1)) assert.equal(headers['if-range'], '"1"')
    // The bytes that kiss received: those that wait in a socket when its connection ends depend on the load of the machine.
    const { downloaded } = (await engine.status()).counts
    assert.ok(downloaded >= body.length && downloaded < 1.1 * body.length, `${downloaded} bytes`)
  })

  it('comes by one connection where the origin gives no proof, no ranges or no length, or the settings say so', async () => {
    const single: [Step, number?][] = [
      [{ ...slow, etag: 'W/"1"' }],
      [{ ...slow, etag: undefined }],
      [{ ...slow, ranges: false }],
      [{ ...slow, framing: 'chunked' }],
      [slow, 1],
    ]
    for (const [step, connections] of single) {
      origin.script('/f', [{ ...step, throttle: 16 * MiB }])
      const before = origin.requests.length
      assert.ok((await fetch(await open({}, connections))).equals(body))
      assert.equal(origin.requests.length - before, 1, JSON.stringify(step.extra))
    }
  })

  it('comes by one connection where its signed URL ends before that one has brought it, because a range is a new request', async () => {
    const clock = new MovableClock()
    const date = new Date(clock.now()).toISOString().replace(/-|:|\.\d+/g, '')
    const signed = async (seconds: number): Promise<number> => {
      // At this rate one connection needs two seconds.
      origin.script('/f', [slow])
      const before = origin.requests.length
      const query = `?X-Amz-Date=${date}&X-Amz-Expires=${seconds}&X-Amz-Signature=${seconds}`
      const artifact = await (await open({ clock })).fetch({ url: new URL(origin.url(`/f${query}`)) })
      assert.ok((await readArtifact(artifact)).equals(body))
      return origin.requests.length - before
    }
    assert.equal(await signed(1), 1)
    assert.ok((await signed(86_400)) > 1)
  })

  it('comes by one connection if it is small, or if that is fast enough', async () => {
    const terms = { connections: 8, smallest: 64 * 1024, largest: 256 * 1024, interval: 1 }
    for (const more of [{ least: 256 * 1024, fast: 1024 }, { fast: Infinity }]) {
      origin.script('/f', [{ ...slow, throttle: 16 * MiB }])
      const before = origin.requests.length
      assert.ok((await fetch(await open({ parallel: { ...terms, ...more } }))).equals(body))
      assert.equal(origin.requests.length - before, 1, JSON.stringify(more))
    }
  })

  it('comes by one connection for a minute after the origin was too busy for a range', async () => {
    const clock = new MovableClock()
    const engine = await open({ clock, parallel: longSegments })
    const step = { ...slow, body: body.subarray(0, 2 * MiB), throttle: 4 * MiB }
    origin.script('/busy', [origin.slowUntil('/busy', 2, step), { ...step, status: 503 }, step])
    const requests = async (path: string): Promise<number> => {
      await readArtifact(await engine.fetch({ url: new URL(origin.url(path)) }))
      return origin.log(path).length
    }
    assert.ok((await requests('/busy')) >= 2)
    origin.serve('/then', step)
    assert.equal(await requests('/then'), 1)
    clock.move(60_000)
    origin.script('/later', [origin.slowUntil('/later', 2, step), step])
    assert.ok((await requests('/later')) > 1)
  })

  it('goes on by one connection when the origin answers a segment as it should not', async () => {
    const answers: Step[] = [
      { status: 429 },
      { status: 503 },
      { status: 500 },
      { whole: true },
      { partial: { start: 1 } },
      { partial: { total: 1 } },
      { partial: { etag: '"2"' } },
    ]
    const half = body.subarray(0, 2 * MiB)
    for (const wrong of answers) {
      const step = { ...slow, body: half, throttle: 4 * MiB }
      const before = origin.requests.length
      origin.script('/f', [origin.slowUntil('/f', before + 2, step), { ...step, ...wrong }, step])
      assert.ok((await fetch(await open({ parallel: longSegments }))).equals(half), JSON.stringify(wrong))
      assert.ok(origin.requests.length - before >= 2, JSON.stringify(wrong))
    }
  })

  it('survives connections that are cut', async () => {
    for (const by of ['fin', 'rst'] as const) {
      origin.script('/f', [
        { ...slow, cut: { after: MiB, by } },
        ...Array.from({ length: 6 }, (_, n) => ({ ...slow, cut: { after: 20_000 * n, by } })),
        { ...slow, throttle: 64 * MiB },
      ])
      assert.ok((await fetch(await open())).equals(body))
    }
  })

  it('never joins bytes of two versions when the content changes in the middle', async () => {
    const other = bytes('another', body.length)
    origin.script('/f', [slow, slow, { ...slow, body: other, etag: '"2"' }])
    const engine = await open()
    const outcome = await fetch(engine).catch((error: unknown) => error)
    if (Buffer.isBuffer(outcome)) assert.ok(outcome.equals(body) || outcome.equals(other))
    else assert.equal((outcome as { code?: string }).code, 'content-changed')
    assert.ok((await fetch(engine)).equals(other))
  })

  it('keeps to the memory that the settings allow', async () => {
    origin.script('/f', [slow])
    const engine = await open({
      parallel: { memory: 0, least: 256 * 1024, smallest: 64 * 1024, interval: 25, fast: Infinity },
    })
    assert.ok((await fetch(engine)).equals(body))
    assert.ok(ranges().length <= 1)
  })

  it('gives the places of its further connections to a download that waits', async () => {
    origin.script('/f', [{ ...slow, throttle: MiB }])
    origin.serve('/g', { body: bytes('g', 1000) })
    const engine = await open({ upstream: { guard: false, env: {}, maxDownloadsPerHost: 3 } })
    const artifact = await engine.fetch({ url: new URL(origin.url('/f')) })
    const reading = readArtifact(artifact)
    await origin.requested('/f', 3)
    await readArtifact(await engine.fetch({ url: new URL(origin.url('/g')) }))
    assert.ok(artifact.progress().received < body.length)
    assert.ok((await reading).equals(body))
  })
})
