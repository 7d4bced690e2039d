import assert from 'node:assert/strict'
import { openEngine } from '#kiss/engine/open.js'
import type { Entry } from '#kiss/store/types.js'
import { listening } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { bytes } from '../support/origin.js'

describe('the sync of stored bodies', () => {
  const body = bytes('synced', 10_000)
  const cli = commandLine()
  beforeEach(() => {
    cli.origin.serve('/a', { body, etag: '"a"' })
  })

  async function entries(): Promise<Entry[]> {
    const engine = await openEngine({ cacheDir: cli.sandbox.cacheDir })
    try {
      const all: Entry[] = []
      for await (const entry of engine.list()) all.push(entry)
      return all
    } finally {
      await engine.close()
    }
  }

  it('is done by kiss serve behind the answers, so that no later boot has to hash them', async () => {
    const running = cli.sandbox.start(['serve', '--port', '0', '--allow-upstream', '127.0.0.1'])
    const answer = await fetch(
      `${await listening(running)}api/v1/fetch?url=${encodeURIComponent(cli.origin.url('/a'))}`,
    )
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(body))
    running.child.kill('SIGTERM')
    assert.equal((await running.ended).code, 0)
    assert.deepEqual(
      (await entries()).map(({ boot }) => boot),
      [undefined],
    )
  })

  it('is left out by kiss fetch, whose blobs say in which boot they were written', async () => {
    assert.equal((await cli.sandbox.run(['fetch', cli.origin.url('/a')])).code, 0)
    const [entry] = await entries()
    assert.equal(typeof entry?.boot, 'string')
  })
})
