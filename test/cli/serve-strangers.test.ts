import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { get } from '../server/support/client.js'
import { commandLine } from '../support/command-line.js'
import { bytes } from '../support/origin.js'
import { Serving } from '../support/serving.js'

describe('the public figures of kiss serve', () => {
  const cli = commandLine()

  it('the public figures count a body once for each entry, so that they do not reveal known content', async () => {
    writeFileSync(path.join(cli.sandbox.root, 'token'), 'the-administrator')
    const serving = await Serving.start(cli.sandbox, ['--allow-upstream', '127.0.0.0/8', '--quota', '1MiB'], {
      env: { KISS_ADMIN_TOKEN_FILE: path.join(cli.sandbox.root, 'token') },
    })
    try {
      const body = bytes('shared', 100_000)
      for (const name of ['/a', '/b']) {
        cli.origin.serve(name, { body })
        assert.equal((await serving.fetch(cli.origin.url(name))).status, 200)
      }
      const metric = /^kiss_cache_usage_bytes (\d+)$/m
      const stranger = Number(metric.exec((await get(`${serving.url}metrics`)).text)?.[1])
      const { disk_usage: shown, disk_usage_percent: percent } = await serving.status()
      assert.deepEqual([shown, percent, stranger], [200_000, 19, 200_000])
      const headers = { Authorization: 'Bearer the-administrator' }
      const { text } = await get(`${serving.url}api/v1/status/`, { headers })
      const usage = Number((JSON.parse(text) as Record<string, unknown>)['disk_usage'])
      assert.ok(usage >= 100_000 && usage < 200_000, `${usage} bytes on the disk`)
    } finally {
      await serving.stop()
    }
  })
})
