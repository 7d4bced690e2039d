/** The real program in three tiers: a laptop asks a lab, the lab asks a site, and the site asks the origin. */
import assert from 'node:assert/strict'
import { listening, Sandbox, type Command } from '../support/cli.js'
import { bytes, Origin, sha256 } from '../support/origin.js'

interface Stats {
  readonly downloaded_from: Readonly<Record<string, number>>
}

describe('a laptop, a lab and a site', () => {
  const body = bytes('tiers', 400_000)
  let sandboxes: Sandbox[]
  let servers: Command[]
  let origin: Origin
  beforeEach(async () => {
    sandboxes = [new Sandbox(), new Sandbox(), new Sandbox()]
    servers = []
    origin = await Origin.start()
    origin.serve('/Image', { body, etag: '"1"' })
  })
  afterEach(async () => {
    for (const { child, ended } of servers) {
      child.kill('SIGTERM')
      await ended
    }
    await origin.close()
    for (const sandbox of sandboxes) sandbox.remove()
  })

  async function serve(sandbox: Sandbox, ...more: string[]): Promise<string> {
    const running = sandbox.startServer(['--port', '0', ...more])
    servers.push(running)
    return listening(running)
  }

  it('bring an artifact once from its origin, keep it at each tier, and say where it came from', async () => {
    const [site, lab, laptop] = sandboxes as [Sandbox, Sandbox, Sandbox]
    const siteUrl = await serve(site, '--allow-upstream', '127.0.0.0/8')
    const labUrl = await serve(lab, '--parent', siteUrl)
    const first = await laptop.run(['fetch', '--json', '--parent', labUrl, origin.url('/Image')])
    const { results } = JSON.parse(first.stdout) as { results: { status: string; sha256: string }[] }
    assert.deepEqual([first.code, results[0]?.status, results[0]?.sha256], [0, 'miss', sha256(body)])
    assert.equal(origin.log().length, 1)
    const from = async (base: string): Promise<unknown> =>
      ((await (await fetch(`${base}api/v1/status/`)).json()) as Stats).downloaded_from
    const fromParent = { origin: 0, mirror: 0, parent: body.length }
    const own = JSON.parse((await laptop.run(['stats', '--json'])).stdout) as Stats
    assert.deepEqual(own.downloaded_from, fromParent)
    assert.deepEqual(await from(labUrl), fromParent)
    assert.deepEqual(await from(siteUrl), { origin: body.length, mirror: 0, parent: 0 })

    // Without the lab, the laptop asks the origin, unless it may not.
    for (const { child, ended } of servers.splice(1)) {
      child.kill('SIGTERM')
      await ended
    }
    origin.serve('/other', { body })
    const only = ['--parent', labUrl, '--parent-only', '--retry-for', '1s']
    const refused = await laptop.run(['fetch', ...only, origin.url('/other')])
    assert.equal(refused.code, 4)
    assert.match(refused.stderr, /\/other: the parent http:\/\/127\.0\.0\.1:\d+\/: the connection was refused/)
    assert.equal(origin.log('/other').length, 0)
    // The failure of the other URL is remembered for ten seconds.
    origin.serve('/third', { body })
    assert.equal((await laptop.run(['fetch', '--parent', labUrl, origin.url('/third')])).code, 0)
    assert.equal(origin.log('/third').length, 1)
  })
})
