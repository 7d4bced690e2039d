import assert from 'node:assert/strict'
import { once } from 'node:events'
import { openEngine } from '#kiss/engine/open.js'
import type { Entry } from '#kiss/store/types.js'
import { Sandbox } from '../support/cli.js'
import { bytes, Origin } from '../support/origin.js'

describe('the sync of stored bodies', () => {
  const body = bytes('synced', 10_000)
  let sandbox: Sandbox
  let origin: Origin
  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    origin.serve('/a', { body, etag: '"a"' })
  })
  afterEach(async () => {
    await origin.close()
    sandbox.remove()
  })

  async function entries(): Promise<Entry[]> {
    const engine = await openEngine({ cacheDir: sandbox.cacheDir })
    try {
      const all: Entry[] = []
      for await (const entry of engine.list()) all.push(entry)
      return all
    } finally {
      await engine.close()
    }
  }

  it('is done by kiss serve behind the answers, so that no later boot has to hash them', async () => {
    const { child, ended } = sandbox.start(['serve', '--port', '0', '--allow-upstream', '127.0.0.1'])
    const [line] = (await once(child.stdout, 'data')) as [string]
    const answer = await fetch(`${line.trim()}api/v1/fetch?url=${encodeURIComponent(origin.url('/a'))}`)
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(body))
    child.kill('SIGTERM')
    assert.equal((await ended).code, 0)
    assert.deepEqual(
      (await entries()).map(({ boot }) => boot),
      [undefined],
    )
  })

  it('is left out by kiss fetch, whose blobs say in which boot they were written', async () => {
    assert.equal((await sandbox.run(['fetch', origin.url('/a')])).code, 0)
    const [entry] = await entries()
    assert.equal(typeof entry?.boot, 'string')
  })
})
