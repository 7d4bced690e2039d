import assert from 'node:assert/strict'
import path from 'node:path'
import { createBundle } from '#kiss/cli/bundle/create.js'
import { loadBundle } from '#kiss/cli/bundle/load.js'
import type { EngineOptions } from '#kiss/engine/types.js'
import type { Entry } from '#kiss/store/types.js'
import { faultLab } from '../../flight/faults/lab.js'
import { bytes } from '../../support/origin.js'

describe('a bundle of answers under freshness: origin', () => {
  const lab = faultLab()
  const body = bytes('index', 50_000)
  const engine = (options: Partial<EngineOptions> = {}) =>
    lab.engine({
      rules: [{ match: [lab.origin.url('/**')], freshness: 'origin', place: 'kiss.yaml:1' }],
      ...options,
    })
  const wire = (fields: Record<string, string> = {}) => ({ wire: { method: 'GET' as const, fields } })

  it('gives a sealed cache every answer of a URL with its fields', async () => {
    lab.origin.serve('/a', { body, etag: '"1"', extra: { 'cache-control': 'max-age=60', vary: 'foo', own: '1' } })
    const outside = await engine()
    for (const foo of ['1', '2']) await lab.get(outside, '/a', wire({ foo }))
    const entries: Entry[] = []
    for await (const entry of outside.select({ all: true })) entries.push(entry)
    const { signal } = new AbortController()
    const file = path.join(await lab.folder(), 'answers.tar')
    await createBundle(outside, entries, file, signal)
    const inside = await engine({ sealed: true })
    assert.equal((await loadBundle(inside, file, { signal, now: Date.now() })).stored, 2)
    for (const foo of ['1', '2']) {
      const artifact = await lab.open(inside, '/a', wire({ foo }))
      assert.deepEqual([artifact.as, artifact.answer?.fields['own']], ['hit', '1'])
      await artifact.close('done')
    }
    assert.equal((await lab.get(inside, '/a', wire({ foo: '3' }))).code, 'sealed')
  })
})
