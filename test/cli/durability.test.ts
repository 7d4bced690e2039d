import assert from 'node:assert/strict'
import { join } from 'node:path'
import { connect } from '#kiss/store/index/connection.js'
import { listening } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { bytes } from '../support/origin.js'

describe('the sync of stored bodies', () => {
  const body = bytes('synced', 10_000)
  const cli = commandLine()
  beforeEach(() => {
    cli.origin.serve('/a', { body, etag: '"a"' })
  })

  /** The boots that the blobs of the cache were written in, where they may not be on the disk. */
  async function boots(): Promise<unknown[]> {
    const index = await connect(join(cli.sandbox.cacheDir, 'index.sqlite'), 1_000)
    try {
      return (await index.query<{ boot: unknown }>('SELECT boot FROM blobs')).map(({ boot }) => boot)
    } finally {
      await index.close()
    }
  }

  it('is done by kiss serve behind the answers, so that no later boot has to hash them', async () => {
    const running = cli.sandbox.startServer(['--port', '0', '--allow-upstream', '127.0.0.1'])
    const answer = await fetch(
      `${await listening(running)}api/v1/fetch?url=${encodeURIComponent(cli.origin.url('/a'))}`,
    )
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(body))
    running.child.kill('SIGTERM')
    assert.equal((await running.ended).code, 0)
    assert.deepEqual(await boots(), [null])
  })

  it('is left out by kiss fetch, whose blobs say in which boot they were written', async () => {
    assert.equal((await cli.sandbox.run(['fetch', cli.origin.url('/a')])).code, 0)
    const [boot] = await boots()
    assert.equal(typeof boot, 'string')
  })
})
