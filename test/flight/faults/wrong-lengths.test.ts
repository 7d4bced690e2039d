import assert from 'node:assert/strict'
import { bytes, sha256, type Step } from '../../support/origin.js'
import { matrix } from './lab.js'

const LENGTH = 200_000
const body = bytes('lengths', LENGTH)
const LONGER = String(LENGTH + 1000)
const SHORTER = String(LENGTH / 2)

/** An origin that announces a wrong length with its first answer, breaks the answer off, and sends no length any more. */
function wrong(length: string, after: number, served: Step): Step {
  return { body, framing: 'chunked', ...served, headers: { 'content-length': length }, cut: { after } }
}

matrix('faults: an announced length that is wrong', LENGTH, (lab) => {
  const validators: Readonly<Record<string, Step>> = {
    'a strong ETag': { etag: '"1"' },
    'a weak ETag': { etag: 'W/"1"' },
    'no validator': {},
    'a strong ETag, without ranges': { etag: '"1"', ranges: false },
  }
  const lies = [
    ['longer', LONGER, LENGTH / 4],
    ['longer, and no byte came', LONGER, 0],
    ['longer, and every byte came', LONGER, LENGTH],
    ['shorter', SHORTER, LENGTH / 4],
  ] as const
  for (const [name, served] of Object.entries(validators)) {
    it(`a chunked body that ends well disproves an announced length (${name})`, async () => {
      const kiss = await lab.engine()
      await Promise.all(
        lies.map(async ([kind, length, after], i) => {
          const path = `/l${i}`
          lab.origin.script(path, [wrong(length, after, served), {}])
          // The reader has the wrong length already.
          const first = await lab.get(kiss, path)
          assert.deepEqual([first.code, first.status], ['content-changed', 502], kind)
          const got = await lab.get(kiss, path)
          assert.ok(got.body.equals(body), kind)
          assert.deepEqual([got.entry?.size, got.entry?.unverified], [LENGTH, false], kind)
          const asked = lab.asked(path)
          assert.ok(asked.length <= 10, `${kind}: ${asked.join(', ')}`)
        }),
      )
    })
  }

  it('a chunked body that ends well disproves an announced length for engines that follow', async () => {
    const cacheDir = await lab.folder()
    const engines = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
    lab.origin.script('/l', [wrong(LONGER, LENGTH / 4, { etag: '"1"' }), {}])
    await Promise.all(engines.map((kiss) => lab.get(kiss, '/l')))
    for (const kiss of engines) assert.ok((await lab.get(kiss, '/l')).body.equals(body))
  })

  it('a chunked body that ends well disproves the total of an earlier range', async () => {
    const part: Step = { partial: { total: LENGTH + 1000 }, cut: { after: 1000 } }
    lab.origin.script('/l', [
      { body, etag: '"1"', framing: 'chunked', cut: { after: LENGTH / 4 } },
      part,
      { status: 416, headers: { 'content-range': `bytes */${LENGTH + 1000}` } },
      { ranges: false },
    ])
    const kiss = await lab.engine()
    await lab.get(kiss, '/l')
    const got = await lab.get(kiss, '/l')
    assert.ok(got.body.equals(body))
    assert.deepEqual([got.entry?.size, got.entry?.unverified], [LENGTH, false])
  })

  it('a chunked body that is cut proves nothing about an announced length', async () => {
    const right = { ...wrong(String(LENGTH), LENGTH / 4, {}) }
    lab.origin.script('/l', [right, { cut: { after: LENGTH / 2 } }, { cut: { after: 10 } }, {}])
    const got = await lab.get(await lab.engine(), '/l')
    assert.equal(got.code, undefined)
    assert.equal(got.entry?.sha256, sha256(body))
  })

  it('the end of a connection proves nothing about an announced length', async () => {
    const cut: Step = { framing: 'close', cut: { after: LENGTH / 2 } }
    lab.origin.script('/l', [wrong(String(LENGTH), LENGTH / 4, {}), cut, cut, { framing: 'length' }])
    const got = await lab.get(await lab.engine(), '/l')
    assert.equal(got.code, undefined)
    assert.equal(got.entry?.sha256, sha256(body))
  })

  it('an origin that ends each body by its connection gets a new download after a wrong length', async () => {
    lab.origin.script('/l', [wrong(LONGER, LENGTH / 4, {}), { framing: 'close', refusesHead: true }])
    const kiss = await lab.engine({ retryFor: 5_000 })
    assert.equal((await lab.get(kiss, '/l')).status, 502)
    const got = await lab.get(kiss, '/l', { refresh: true })
    assert.ok(got.body.equals(body))
    assert.equal(got.entry?.unverified, true)
  })

  it('a body beyond an announced length begins a new download, if its connection ends it', async () => {
    lab.origin.script('/l', [wrong(SHORTER, LENGTH / 4, {}), { framing: 'close', refusesHead: true }])
    const kiss = await lab.engine()
    assert.equal((await lab.get(kiss, '/l')).code, 'content-changed')
    assert.ok((await lab.get(kiss, '/l')).body.equals(body))
  })
})
