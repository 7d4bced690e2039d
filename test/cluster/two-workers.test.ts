/** What three nodes with two workers each do. */
import { ClusterLab, describeWithHaproxy } from '../support/cluster-lab.js'
import { herd } from './cases/herd.js'
import { workers } from './cases/workers.js'

describeWithHaproxy('a cluster of three nodes with 2 workers each', function () {
  this.timeout(60_000)
  const lab = ClusterLab.forTests(() => ({ workers: 2 }))

  herd(lab)
  workers(lab)
})
