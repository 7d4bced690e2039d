/** The faults of an origin while ranges come in parallel: the body is right or the error is named, and no byte is wrong. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Engine } from '#kiss/engine/types.js'
import { answer } from '../../support/answer.js'
import { bytes, latch, type Step } from '../../support/origin.js'
import { children } from './children.js'
import { faultLab, getUrl, readUpTo, smallRanges, type Got } from './lab.js'

const KiB = 1024
const LENGTH = 640 * KiB
const body = bytes('segment', LENGTH)
const other = bytes('another segment', LENGTH)
const etag = '"1"'
/** Slow enough for several connections. */
const slow: Step = { body, etag, throttle: 2048 * KiB }

/** The parallelism of a large download for a body of a hundredth of the size. */
const parallel = {
  connections: 4,
  memory: 512 * KiB,
  least: 64 * KiB,
  smallest: 32 * KiB,
  largest: 64 * KiB,
  interval: 20,
  fast: Infinity,
}

const says =
  (status: number, headers: Record<string, string>, sent: Buffer) =>
  (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status, headers).end(sent)
  }

/** A right 206 whose bytes go on behind the end of the range. */
const surplus = ({ headers }: IncomingMessage, response: ServerResponse): void => {
  const [, start = '0', end = String(LENGTH - 1)] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? []
  const last = end === '' ? LENGTH - 1 : Number(end)
  const sent = Buffer.concat([body.subarray(Number(start), last + 1), Buffer.alloc(1000, 'surplus')])
  const range = { etag, 'content-range': `bytes ${start}-${last}/${LENGTH}` }
  response.writeHead(headers.range === undefined ? 200 : 206, headers.range === undefined ? { etag } : range).end(sent)
}

/** Faults of an answer to a range; the download goes on with the others. */
const faults: Readonly<Record<string, Step>> = {
  'is cut at once': { cut: { after: 0, by: 'fin' } },
  'is cut by FIN': { cut: { after: 20_000, by: 'fin' } },
  'is cut by RST': { cut: { after: 20_000, by: 'rst' } },
  'is dropped': { drop: 'fin' },
  'is reset': { drop: 'rst' },
  'begins at another byte': { partial: { start: 1 } },
  'has another total': { partial: { total: LENGTH + 1 } },
  'has no total': { partial: { total: '*' } },
  'has another ETag': { partial: { etag: '"2"' } },
  'has a weak ETag': { partial: { etag: 'W/"1"' } },
  'is the whole': { whole: true },
  'is gone': { status: 404 },
  'is forbidden': { status: 403 },
  'is too many requests': { status: 429, headers: { 'retry-after': '0' } },
  'is unavailable': { status: 503 },
  'is a failed precondition': { status: 412 },
  'is no range': { handler: says(416, { 'content-range': `bytes */${LENGTH}` }, Buffer.alloc(0)) },
  'is a redirect in a circle': { redirect: '?', status: 302 },
  'is no HTTP': { handler: (_, response) => void response.socket?.end('SSH-2.0-x\r\n') },
  'is empty': { handler: says(206, { etag, 'content-range': `bytes 0-0/${LENGTH}` }, Buffer.alloc(0)) },
  'goes on behind its end': { handler: surplus },
  stalls: { stall: { after: 10_000, until: latch().opened } },
}

describe('faults: ranges in parallel', () => {
  const lab = faultLab()
  const start = children(smallRanges(LENGTH))
  const open = (): Promise<Engine> => lab.engine({ parallel, stallTimeout: 200, retryFor: 20_000 })
  const fetched = (kiss: Engine, path: string): Promise<Got> => getUrl(kiss, lab.origin.url(path))

  /** The outcome of one client, which is right up to its end, and the whole for the next one. */
  async function right(kiss: Engine, path: string, what: string): Promise<Got> {
    const got = await fetched(kiss, path)
    assert.ok(got.body.equals(body.subarray(0, got.body.length)), `${what}: wrong bytes`)
    if (got.code === undefined) assert.equal(got.body.length, LENGTH, what)
    return got
  }

  for (const [name, fault] of Object.entries(faults)) {
    it(`brings the body if the answer to a range ${name}`, async () => {
      // How many answers are right before the fault.
      const scripts: readonly (readonly [number, readonly Step[]])[] = [
        [1, [{ ...slow, ...fault }, slow]],
        [3, [slow, slow, { ...slow, ...fault }, { ...slow, ...fault }, slow]],
      ]
      await Promise.all(
        scripts.map(async ([before, steps]) => {
          const path = `/f${before}`
          lab.origin.script(path, [lab.origin.slowUntil(path, before + 1, slow), ...steps])
          const got = await right(await open(), path, name)
          assert.deepEqual([got.code, got.entry?.size], [undefined, LENGTH], name)
          assert.ok(lab.asked(path).length > before, 'the fault was not asked for')
        }),
      )
    })
  }

  it('brings the body if every range is refused, and if the first connection dies as well', async () => {
    lab.origin.script('/refused', [slow, { ...slow, ranges: false, whole: true }])
    assert.equal((await right(await open(), '/refused', 'refused')).code, undefined)
    lab.origin.script('/dies', [{ ...slow, cut: { after: 200_000 } }, { status: 503 }, { drop: 'rst' }, slow])
    assert.equal((await right(await open(), '/dies', 'dies')).code, undefined)
  })

  it('goes on where the file ends if the process is killed while later ranges wait in memory', async () => {
    const cacheDir = await lab.folder()
    lab.origin.script('/dead', [{ body, etag, stall: { after: 100_000 } }, {}])
    const owner = await start(cacheDir)
    const lost = owner.fetch(lab.origin.url('/dead')).catch(() => 'died')
    await lab.origin.answered('/dead')
    assert.equal(lab.segmentsAsked('/dead'), 1)
    const artifact = await lab.open(await lab.engine({ cacheDir }), '/dead')
    assert.ok((await readUpTo(artifact, 100_000)).equals(body.subarray(0, 100_000)))
    await owner.kill()
    assert.equal(await lost, 'died')
    assert.ok((await readUpTo(artifact, LENGTH, 100_000)).equals(body.subarray(100_000)))
    await artifact.close('done')
    assert.deepEqual(lab.asked('/dead').slice(2), ['GET bytes=100000- if "1"'])
  })

  it('ends with content-changed, and never joins two versions, if the content changes in the middle', async () => {
    for (const changed of [1, 200_000, 400_000]) {
      const path = `/changed-${changed}`
      const old = { ...slow, cut: { after: 300_000 } }
      let isFirst = true
      // The number and the order of the ranges differ: the version depends on the bytes that are asked for.
      const handler = (request: IncomingMessage, response: ServerResponse): void => {
        const [, end = Infinity] = /^bytes=\d+-(\d+)$/.exec(request.headers.range ?? '') ?? []
        const step = isFirst || Number(end) < changed ? old : { ...slow, body: other, etag: '"2"' }
        isFirst = false
        void answer(step, request, response, () => undefined)
      }
      lab.origin.script(path, [{ handler }])
      const kiss = await open()
      const got = await fetched(kiss, path)
      assert.deepEqual([got.code, got.error?.exit], ['content-changed', 5], String(changed))
      assert.ok(got.body.equals(body.subarray(0, got.body.length)), String(changed))
      // The next client gets the new content.
      assert.ok((await fetched(kiss, path)).body.equals(other), String(changed))
    }
  })

  it('keeps the old content whole if every connection of it goes on while the origin has a new one', async () => {
    // The first connection has not brought its segment when the answer to the second one comes.
    lab.origin.script('/both', [lab.origin.slowUntil('/both', 3, slow), { ...slow, body: other, etag: '"2"' }])
    assert.equal((await right(await open(), '/both', 'both')).code, undefined)
  })

  it('stores nothing if an origin puts other bytes under the ETag of the first, and its length tells', async () => {
    const longer = Buffer.concat([other, Buffer.from('longer')])
    lab.origin.script('/lie', [
      { ...slow, cut: { after: 200_000 } },
      { ...slow, body: longer, ignoresIfRange: true },
    ])
    const kiss = await open()
    const got = await fetched(kiss, '/lie')
    assert.equal(got.code, 'content-changed')
    assert.ok(got.body.equals(body.subarray(0, got.body.length)))
  })
})
