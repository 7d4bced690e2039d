import assert from 'node:assert/strict'
import path from 'node:path'
import { createBundle } from '#kiss/cli/bundle/create.js'
import { loadBundle, type Loaded } from '#kiss/cli/bundle/load.js'
import type { Engine, EngineOptions } from '#kiss/engine/types.js'
import type { Entry } from '#kiss/store/types.js'
import { faultLab } from '../../flight/faults/lab.js'
import { bytes } from '../../support/origin.js'

describe('a bundle that is loaded', () => {
  const lab = faultLab()
  const body = bytes('index', 50_000)
  const byOrigin = (options: Partial<EngineOptions> = {}) =>
    lab.engine({
      rules: [{ match: [lab.origin.url('/**')], freshness: 'origin', place: 'kiss.yaml:1' }],
      ...options,
    })
  const wire = (fields: Record<string, string> = {}) => ({ wire: { method: 'GET' as const, fields } })

  /** Writes all entries of the cache into a bundle, and resolves with a function that loads it into another cache. */
  async function carried(from: Engine): Promise<(into: Engine) => Promise<Loaded>> {
    const entries: Entry[] = []
    for await (const entry of from.select({ all: true })) entries.push(entry)
    const { signal } = new AbortController()
    const file = path.join(await lab.folder(), 'carried.tar')
    await createBundle(from, entries, file, signal)
    return (into) => loadBundle(into, file, { signal, now: Date.now() })
  }

  it('is refused before anything is evicted where all of it is larger than the quota', async () => {
    const outside = await lab.engine()
    for (const name of ['/a', '/b', '/c', '/d']) {
      lab.origin.serve(name, { body: bytes(name, 50_000) })
      await lab.get(outside, name)
    }
    const inside = await lab.engine({ quota: 150_000 })
    await lab.get(inside, '/a')
    await assert.rejects((await carried(outside))(inside), {
      code: 'quota',
      message: /it takes 200000 bytes, and the quota of the cache is 150000 bytes in all$/,
    })
    assert.equal((await lab.get(inside, '/a', { offline: true })).as, 'hit')
    assert.equal((await inside.status()).usage.reserved, 0)
  })

  it('gives a sealed cache every answer of a URL under freshness: origin with its fields', async () => {
    lab.origin.serve('/a', { body, etag: '"1"', extra: { 'cache-control': 'max-age=60', vary: 'foo', own: '1' } })
    const outside = await byOrigin()
    for (const foo of ['1', '2']) await lab.get(outside, '/a', wire({ foo }))
    const inside = await byOrigin({ sealed: true })
    assert.equal((await (await carried(outside))(inside)).stored, 2)
    for (const foo of ['1', '2']) {
      const artifact = await lab.open(inside, '/a', wire({ foo }))
      assert.deepEqual([artifact.as, artifact.answer?.fields['own']], ['hit', '1'])
      await artifact.close('done')
    }
    assert.equal((await lab.get(inside, '/a', wire({ foo: '3' }))).code, 'sealed')
  })
})
