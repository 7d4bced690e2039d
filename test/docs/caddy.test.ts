import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { listening, project, Sandbox } from '../support/cli.js'
import { freePort, replaced } from '../support/nginx.js'
import { bytes, latch, Origin } from '../support/origin.js'
import { get, open, readAll, take } from '../server/support/client.js'
import { until } from '../support/until.js'

describe('docs/proxy/Caddyfile', () => {
  const body = bytes('caddy', 200_000)

  it('passes artifacts on while they arrive, and broken ones as broken', async function () {
    if (spawnSync('caddy', ['version']).error !== undefined) return this.skip()
    const sandbox = new Sandbox()
    const origin = await Origin.start()
    const gate = latch()
    origin.script('/f', [{ body, stall: { after: 50_000, until: gate.opened } }])
    origin.serve('/short', { body })
    const kiss = sandbox.startServer(['--port', '0', '--allow-upstream', '127.0.0.1', '--trust-proxy', '127.0.0.1'])
    const { host } = new URL(await listening(kiss))
    const port = await freePort()
    const file = path.join(sandbox.root, 'Caddyfile')
    const documented = readFileSync(path.join(project, 'docs/proxy/Caddyfile'), 'utf8')
    const site = replaced(documented, {
      '\nkiss.example.com {': `\nhttp://127.0.0.1:${port} {`,
      '127.0.0.1:8001': host,
    })
    writeFileSync(file, `{\n\tadmin off\n}\n${site}`)
    const caddy = spawn('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], {
      env: { PATH: process.env.PATH, HOME: sandbox.home },
      stdio: 'ignore',
    })
    try {
      const base = `http://127.0.0.1:${port}/api/v1`
      await until('caddy listens', () => fetch(`${base}/health/`).then(Boolean, () => false))
      const url = (name: string): string => `${base}/fetch?url=${encodeURIComponent(origin.url(name))}`
      const growing = await open(url('/f'))
      assert.ok((await take(growing, 50_000)).equals(body.subarray(0, 50_000)))
      gate.open()
      assert.ok((await readAll(growing)).body.equals(body.subarray(50_000)))
      const wrong = await get(`${url('/short')}&sha256=${'0'.repeat(64)}`)
      assert.deepEqual([wrong.status, wrong.complete], [200, false])
    } finally {
      caddy.kill('SIGTERM')
      await once(caddy, 'exit')
      kiss.child.kill('SIGTERM')
      await kiss.ended
      await origin.close()
      sandbox.remove()
    }
  })
})
