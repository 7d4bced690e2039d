import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { runChaos } from './chaos.js'
import { complaints } from './report.js'

describe('a short chaos run', () => {
  it('delivers no wrong byte, hangs nowhere, and leaves nothing behind', async function () {
    this.timeout(300_000)
    const root = mkdtempSync(path.join(tmpdir(), 'kiss-chaos-'))
    try {
      const report = await runChaos({ seed: 20, requests: 600, readers: 30, servers: 2, workers: 2, root })
      assert.deepEqual(complaints(report, { ratio: 2 }), [], JSON.stringify(report))
      assert.ok(report.kills.workers + report.kills.servers > 0, 'nobody was killed')
      assert.ok(report.freezes.short + report.freezes.long > 0, 'nobody was stopped')
      // How many requests reach the origin, and so how many of its faults are met, depends on the load of the machine.
      assert.ok(Object.keys(report.faults).length > 0, 'the origin was never at fault')
      // While a server starts again, its address refuses connections, and its death cuts answers; how many depends on the
      // load of the machine.
      assert.ok((report.outcomes['right'] ?? 0) > 0, JSON.stringify(report.outcomes))
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  })
})
