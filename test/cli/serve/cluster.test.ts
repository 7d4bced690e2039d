/** The settings of a cluster, as `kiss serve --check` reads them. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Sandbox } from '../../support/cli.js'

describe('the settings of a cluster', () => {
  let sandbox: Sandbox
  before(() => {
    sandbox = new Sandbox()
    writeFileSync(path.join(sandbox.root, 'token'), 'the-token-of-the-cluster')
  })
  after(() => sandbox.remove())

  const check = (redis: string, node: string) => {
    const token = path.join(sandbox.root, 'token')
    return sandbox.run([
      ...['serve', '--check', '--cluster', redis, '--node-url', node],
      ...['--cluster-token-file', token],
    ])
  }

  it('take the database of Redis, and a path before the node', async () => {
    for (const redis of ['redis://:secret%25@redis', 'rediss://u:secret@redis:6380/', 'redis://redis/15']) {
      const { code, stderr } = await check(redis, 'http://10.208.0.11:8001/kiss/')
      assert.equal(code, 0, stderr)
    }
  })

  it('refuse a URL of Redis that can never work, and do not show it', async () => {
    for (const redis of [
      'redis://:secret@redis/kiss',
      'redis://:secret%zz@redis',
      'redis+sentinel://:secret%zz@sentinel/lab',
      'redis://:secret@/',
    ]) {
      const { code, stderr } = await check(redis, 'http://10.208.0.11:8001')
      assert.equal(code, 2, stderr)
      assert.match(stderr, /--cluster: /)
      assert.equal(stderr.includes('secret'), false, stderr)
    }
  })

  it('refuse a password in the URL of the node, which all nodes and the dashboard show', async () => {
    const { code, stderr } = await check('redis://redis', 'http://me:secret@10.208.0.11:8001')
    assert.equal(code, 2, stderr)
    assert.match(stderr, /--node-url: /)
    assert.equal(stderr.includes('secret'), false, stderr)
    assert.equal((await check('redis://redis', 'http://10.208.0.11:8001/?key=secret')).code, 2)
  })
})
