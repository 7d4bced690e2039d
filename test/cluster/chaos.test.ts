import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describeWithHaproxy } from '../support/cluster-lab.js'
import { runClusterChaos } from '../chaos/cluster.js'
import { clusterComplaints } from '../chaos/report.js'

describeWithHaproxy('a short chaos run over three nodes', () => {
  it('delivers no wrong byte, hangs nowhere, and leaves nothing behind', async function () {
    this.timeout(300_000)
    const root = mkdtempSync(path.join(tmpdir(), 'kiss-chaos-'))
    try {
      const report = await runClusterChaos({ seed: 3, requests: 300, artifacts: 15, readers: 25, workers: 1, root })
      // The long run judges the origin bytes. A short one on a busy machine loses more to each kill.
      assert.deepEqual(clusterComplaints(report, { ratio: Infinity }), [], JSON.stringify(report))
      assert.ok(Object.keys(report.troubles).length > 0, 'nothing failed')
      assert.ok((report.outcomes['right'] ?? 0) > 0, JSON.stringify(report.outcomes))
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  })
})
