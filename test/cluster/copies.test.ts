/** What three nodes with `--copies 2` do. */
import { ClusterLab, describeWithHaproxy } from '../support/cluster-lab.js'
import { copies } from './cases/copies.js'
import { rolling } from './cases/rolling.js'
import { survival } from './cases/survival.js'

describeWithHaproxy('a cluster of three nodes that keep two copies', function () {
  this.timeout(60_000)
  const lab = ClusterLab.forTests(() => ({
    flags: ['--copies', '2', '--max-downloads-per-host', '16', '--drain-timeout', '2s'],
  }))

  survival(lab)
  rolling(lab)
  copies(lab)
})
