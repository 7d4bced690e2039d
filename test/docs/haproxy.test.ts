import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { get } from '../server/support/client.js'
import { project } from '../support/cli.js'
import { freePort, has, TestCluster } from '../support/cluster.js'
import { replaced } from '../support/nginx.js'
import { bytes, Origin } from '../support/origin.js'
import { until } from '../support/until.js'

const describeWithHaproxy = has('redis-server') && has('haproxy') ? describe : describe.skip

describeWithHaproxy('docs/proxy/haproxy.cfg', function () {
  this.timeout(60_000)
  let origin: Origin
  let cluster: TestCluster
  let haproxy: ChildProcess
  let base = ''
  before(async () => {
    origin = await Origin.start()
    cluster = await TestCluster.start()
    const port = await freePort()
    const documented = readFileSync(path.join(project, 'docs/proxy/haproxy.cfg'), 'utf8')
    const servers = [1, 2, 3].map((i) => [`10.0.0.${i}:8001`, `127.0.0.${i + 1}:${cluster.port}`] as const)
    const config = replaced(documented, { 'bind :8000': `bind 127.0.0.1:${port}`, ...Object.fromEntries(servers) })
    const file = path.join(cluster.redis.folder, 'haproxy.cfg')
    writeFileSync(file, config)
    haproxy = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' })
    base = `http://127.0.0.1:${port}/api/v1`
    await until('HAProxy listens', () =>
      fetch(`${base}/health/`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
  })
  after(async () => {
    if (haproxy.exitCode === null) {
      const gone = once(haproxy, 'exit')
      haproxy.kill('SIGKILL')
      await gone
    }
    await cluster.close()
    await origin.close()
  })

  const fetchThrough = (url: string) => get(`${base}/fetch?url=${encodeURIComponent(url)}`)

  it('sends every signature of one artifact to the same node', async () => {
    const artifacts = Array.from({ length: 12 }, (_, i) => `/signed/${i}`)
    for (const name of artifacts) origin.serve(name, { body: bytes(name, 1_000), etag: `"${name}"` })
    for (const name of artifacts)
      for (const signature of ['a', 'b']) {
        const answer = await fetchThrough(origin.url(`${name}?X-Amz-Signature=${signature}`))
        assert.ok(answer.body.equals(bytes(name, 1_000)))
      }
    for (const { serving } of cluster.nodes) {
      const { counters } = (await serving.status()) as unknown as { counters: Record<string, number> }
      assert.equal(counters['filled'], 0)
    }
    const whole = origin.requests.filter(
      ({ method, path: asked, sent }) => method === 'GET' && asked.includes('/signed/') && sent > 1,
    )
    assert.equal(whole.length, artifacts.length)
  })

  it('asks the next node where one has died, and clients see no failure', async () => {
    const artifacts = Array.from({ length: 12 }, (_, i) => `/redispatched/${i}`)
    for (const name of artifacts) origin.serve(name, { body: bytes(name, 1_000), etag: `"${name}"` })
    await cluster.kill(cluster.nodes[1]!)
    for (const name of artifacts) {
      const answer = await fetchThrough(origin.url(name))
      assert.equal(answer.status, 200)
      assert.ok(answer.body.equals(bytes(name, 1_000)))
    }
    await cluster.restart(cluster.nodes[1]!)
  })
})
