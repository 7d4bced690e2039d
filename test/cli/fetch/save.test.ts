import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, open } from 'node:fs/promises'
import path from 'node:path'
import { saveArtifact } from '#kiss/cli/fetch/save.js'
import type { Artifact } from '#kiss/engine/types.js'
import { testEngines } from '../../support/engine.js'
import { bytes, Origin, sha256 } from '../../support/origin.js'

describe('saving an artifact whose blob is written to after it was opened', () => {
  const engines = testEngines()
  const body = bytes('save', 2_000_000)
  let origin: Origin
  beforeEach(async () => {
    origin = await Origin.start()
    origin.serve('/f', { body })
  })
  afterEach(() => origin.close())

  /** A hit, one byte of which is another by now. */
  async function changed(folder: string): Promise<Artifact> {
    const kiss = await engines.engine()
    const url = new URL(origin.url('/f'))
    const first = await kiss.fetch({ url })
    await saveArtifact(first, path.join(folder, 'first'), { signal: new AbortController().signal })
    await first.close('done')
    const hit = await kiss.fetch({ url })
    assert.ok(hit.entry)
    const blob = hit.path(hit.entry)
    await chmod(blob, 0o600)
    const handle = await open(blob, 'r+')
    await handle.write(Buffer.of(~body[1_000_000]!), 0, 1, 1_000_000)
    await handle.close()
    return hit
  }

  it('fails when a sum was promised, and leaves no file', async () => {
    const folder = await engines.folder()
    const hit = await changed(folder)
    const output = path.join(folder, 'out')
    const { signal } = new AbortController()
    await assert.rejects(saveArtifact(hit, output, { signal, promised: sha256(body) }), { code: 'digest-mismatch' })
    await hit.close('aborted')
    assert.equal(existsSync(output), false)
    assert.deepEqual(readdirSync(folder), ['first'])
  })
})
