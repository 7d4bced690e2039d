import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '#kiss/engine/types.js'
import { fetchAll, testEngines } from '../support/engine.js'
import { latch, type Latch } from '../support/latch.js'
import { bytes, Origin } from '../support/origin.js'

describe('more downloads than the engine holds at once', () => {
  const engines = testEngines()
  const body = bytes('load', 1000)
  let origin: Origin
  let answers: Latch
  beforeEach(async () => {
    origin = await Origin.start()
    answers = latch()
    for (const name of ['/1', '/2']) origin.script(name, [{ body, hold: answers.opened }])
    origin.serve('/next', { body })
  })
  afterEach(() => origin.close())

  const request = (engine: Engine, name: string, signal?: AbortSignal): ReturnType<typeof fetchAll> =>
    fetchAll(engine, origin.url(name), signal ? { signal } : {})

  it('are refused while each is waited for, and welcome when one has ended', async () => {
    const kiss = await engines.engine({ maxTransfers: 2 })
    const waiting = ['/1', '/2', '/1'].map((name) => request(kiss, name))
    await origin.requested('/2')
    await assert.rejects(request(kiss, '/next'), { code: 'busy', status: 503, exit: 4, retryAfter: 30_000 })
    answers.open()
    for (const { body: got } of await Promise.all(waiting)) assert.ok(got.equals(body))
    assert.ok((await request(kiss, '/next')).body.equals(body))
  })

  it('take the place of a download without bytes and without readers', async () => {
    const cacheDir = await engines.folder()
    const kiss = await engines.engine({ maxTransfers: 2, cacheDir })
    const leaving = new AbortController()
    const waiting = [request(kiss, '/1', leaving.signal), request(kiss, '/2')]
    await Promise.all([origin.requested('/1'), origin.requested('/2')])
    const left = new Error('left')
    leaving.abort(left)
    await assert.rejects(waiting[0]!, { message: 'left' })
    assert.ok((await request(kiss, '/next')).body.equals(body))
    answers.open()
    assert.ok((await waiting[1]!).body.equals(body))
    assert.ok((await request(kiss, '/1')).body.equals(body), 'is downloaded when it is asked for again')
    assert.deepEqual(await readdir(join(cacheDir, 'transfers')), [])
  })
})
