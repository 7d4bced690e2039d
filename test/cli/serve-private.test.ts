import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Sandbox } from '../support/cli.js'
import { bytes, latch, Origin } from '../support/origin.js'
import { Rights } from '../support/rights.js'
import { Serving } from '../support/serving.js'
import { get, open, readAll, take } from '../server/support/client.js'

describe('private artifacts of kiss serve', () => {
  const body = bytes('serve private', 200_000)
  let sandbox: Sandbox
  let origin: Origin
  let kiss: Serving
  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    const admins = path.join(sandbox.root, 'admins')
    writeFileSync(admins, 'the-admin-of-the-lab')
    const args = ['--allow-upstream', '127.0.0.0/8', '--admin-token-file', admins]
    kiss = await Serving.start(sandbox, args)
  })
  afterEach(async () => {
    await kiss.stop()
    await origin.close()
    sandbox.remove()
  })
  const as = (token: string): { headers: Record<string, string> } => ({ headers: { 'PRIVATE-TOKEN': token } })

  it('kiss serve gives a private artifact to clients that the origin accepts, and marks it no-store', async () => {
    const rights = new Rights(origin, '/f').give({ body, etag: '"v1"' }, 'alice', 'bob')
    const seen: unknown[] = []
    for (const token of ['alice', 'bob', 'mallory']) {
      const { status, headers } = await kiss.fetch(rights.url, as(token))
      seen.push([status, headers['cache-status'], headers['cache-control']])
    }
    assert.deepEqual(seen.slice(0, 2), [
      [200, 'kiss; fwd=uri-miss; fwd-status=200; stored', 'private, no-store'],
      [200, 'kiss; hit; detail=authorised', 'private, no-store'],
    ])
    assert.equal((await kiss.fetch(rights.url, as('mallory'))).status, 401)
    assert.equal((await kiss.fetch(rights.url)).status, 401)
    // What the client holds is no right: a 304 or a range is given only after the same question.
    for (const headers of [
      { 'If-None-Match': '"v1"' },
      { Range: 'bytes=0-9' },
      { 'If-Range': '"v1"', Range: 'bytes=0-9' },
    ])
      assert.equal((await kiss.fetch(rights.url, { headers: { ...headers, 'PRIVATE-TOKEN': 'mallory' } })).status, 401)
    assert.equal((await kiss.fetch(rights.url, { method: 'HEAD', ...as('mallory') })).status, 401)
    const known = await kiss.fetch(rights.url, { headers: { 'If-None-Match': '"v1"', 'PRIVATE-TOKEN': 'bob' } })
    assert.equal(known.status, 304)
    assert.equal(rights.bodies.length, 1)
  })

  it('a private artifact without a validator costs one download for the HEAD and the GET of each client', async () => {
    const rights = new Rights(origin, '/f').give({ body, etag: undefined }, 'alice', 'bob')
    for (const token of ['alice', 'bob']) {
      assert.equal((await kiss.fetch(rights.url, { method: 'HEAD', ...as(token) })).status, 200)
      const got = await kiss.fetch(rights.url, as(token))
      assert.deepEqual(
        [got.status, got.body.equals(body), got.headers['cache-control']],
        [200, true, 'private, no-store'],
      )
    }
    for (const token of ['alice', 'bob'])
      assert.equal((await kiss.fetch(rights.url, as(token))).headers['cache-status'], 'kiss; hit')
    assert.equal((await kiss.fetch(rights.url, as('mallory'))).status, 401)
    assert.deepEqual(
      rights.bodies.map(({ shown }) => shown),
      ['alice', 'bob'],
    )
  })

  it('pages, lists and metrics show stored, running and failed private artifacts to the admin alone', async () => {
    const gate = latch()
    new Rights(origin, '/hidden-stored').give({ body, etag: '"v1"' }, 'alice')
    const flying = new Rights(origin, '/hidden-flying').give({ body, etag: '"v1"' }, 'alice')
    flying.fault = { stall: { after: 50_000, until: gate.opened } }
    new Rights(origin, '/hidden-failed')
    origin.serve('/shown', { body })
    for (const name of ['/hidden-stored', '/hidden-failed', '/shown']) await kiss.fetch(origin.url(name), as('alice'))
    await kiss.fetch(origin.url('/shown'))
    const growing = await open(kiss.fetchUrl(flying.url), as('alice'))
    await take(growing, 10_000)

    const lists = ['scheduled', 'downloading', 'successes', 'failures'].map((name) => `resources/${name}/`)
    const pages = ['', 'statistics/', 'help/', ...lists, 'api/v1/status/', 'api/v1/entries/', 'metrics']
    const textOf = async (headers: Record<string, string>): Promise<string> => {
      const answers = await Promise.all(pages.map((page) => get(kiss.url + page, { headers })))
      return answers.map(({ text }) => text).join('\n')
    }
    for (const headers of [{}, { Authorization: 'Bearer wrong' }] as const) {
      const text = await textOf(headers)
      assert.doesNotMatch(text, /hidden-(stored|flying|failed)/)
    }
    const all = await textOf({ Authorization: 'Bearer the-admin-of-the-lab' })
    for (const name of ['hidden-stored', 'hidden-flying', 'hidden-failed', 'shown']) assert.ok(all.includes(name), name)
    gate.open()
    assert.equal((await readAll(growing)).complete, true)
  })
})
