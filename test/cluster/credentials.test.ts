/** Clients with credentials of their own share one body over three nodes, and no credential leaves the node that it came to. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { OutgoingHttpHeaders } from 'node:http'
import { describeWithRedis } from '../support/cluster-lab.js'
import { Origin, bytes } from '../support/origin.js'
import { RelayedCluster } from '../support/relayed.js'
import { Rights } from '../support/rights.js'
import { until } from '../support/until.js'

const TOKENS = 50

describeWithRedis('fifty clients of three nodes, each with its own token', function () {
  this.timeout(60_000)
  let origin: Origin
  let relayed: RelayedCluster
  before(async () => {
    origin = await Origin.start()
    relayed = await RelayedCluster.start({ isCut: false, flags: ['--copies', '2'] })
  })
  after(async () => {
    await relayed.close()
    await origin.close()
  })

  it('share one body, prove their rights, and leave no token in Redis, between nodes or on the disks', async () => {
    const { nodes, redis } = relayed.cluster
    const body = bytes('private', 100_000)
    const tokens = Array.from({ length: TOKENS }, (_, i) => `the-secret-of-client-${i}-`)
    const basic = (token: string): string => Buffer.from(`somebody:${token}`).toString('base64')
    const rights = new Rights(origin, '/private').give({ body, etag: '"p"' }, ...tokens)
    const ways: readonly ((token: string) => OutgoingHttpHeaders)[] = [
      (token) => ({ 'PRIVATE-TOKEN': token }),
      (token) => ({ Authorization: `Bearer ${token}` }),
      (token) => ({ Authorization: `Basic ${basic(token)}` }),
    ]
    const ask = (token: string, i: number) =>
      nodes[i % nodes.length]!.serving.fetch(rights.url, { headers: ways[Math.floor(i / 3) % ways.length]!(token) })
    for (const answer of await Promise.all(tokens.map(ask)))
      assert.ok(answer.body.equals(body), answer.text.slice(0, 200))

    for (const token of tokens) {
      const proofs = rights.asked.filter(({ shown, status }) => shown === token && (status === 200 || status === 304))
      assert.ok(proofs.length > 0, `${token} was never shown to the origin`)
    }
    for (const [i, { serving }] of nodes.entries()) {
      const stranger = await serving.fetch(rights.url, {
        headers: { 'PRIVATE-TOKEN': `the-secret-of-a-stranger-${i}` },
      })
      assert.equal(stranger.status, 401)
      assert.equal((await serving.fetch(rights.url)).status, 401)
    }
    assert.equal(rights.asked.filter(({ method, sent }) => method === 'GET' && sent === body.length).length, 1)

    await until('the entry is in Redis', async () => (await redis.command('KEYS *')).includes(':entry:'))
    const inRedis = await redis.everything()
    const between = relayed.carried
    assert.ok(between.includes('X-Kiss-Generation') || between.includes('x-kiss-generation'))
    assert.ok(between.includes(body.subarray(0, 1000)), 'the body went from node to node')
    const secrets = ['the-secret-of', ...tokens.map((token) => basic(token).slice(0, -4))]
    const files = nodes.flatMap(({ sandbox }) => filesBelow(sandbox.cacheDir))
    const places = [
      ['Redis', inRedis],
      ['the network', between],
      ...files.map((file) => [file, readFileSync(file)] as const),
    ] as const
    for (const [place, content] of places)
      for (const secret of secrets) assert.equal(content.includes(secret), false, `${secret} in ${place}`)
  })
})

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => path.join(folder, String(name)))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
}
