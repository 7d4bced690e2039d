/** What three nodes with one worker each do. One cluster serves all of these tests: a start of its nodes costs seconds. */
import { startLab, type Lab } from '../plugins/github/lab.js'
import { ClusterLab, describeWithHaproxy } from '../support/cluster-lab.js'
import { away } from './cases/away.js'
import { failures } from './cases/failures.js'
import { herd } from './cases/herd.js'
import { outages } from './cases/outages.js'
import { purges } from './cases/purges.js'
import { sharing } from './cases/sharing.js'

describeWithHaproxy('a cluster of three nodes with 1 worker each', function () {
  this.timeout(60_000)
  let github: Lab['github']
  before(async () => {
    github = (await startLab()).github
  })
  after(() => github.close())
  const lab = ClusterLab.forTests(() => ({
    flags: ['--allow-upstream', '127.0.0.2'],
    env: () => ({ GH_HOST: github.url }),
  }))

  // The first one: a node that was away validates what it has when Redis lost its records, as later tests make it.
  sharing(lab)
  herd(lab)
  outages(lab)
  purges(lab, { github: () => github })
  away(lab)
  failures(lab)
})
