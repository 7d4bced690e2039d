import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { dispatcherConfig } from '#lava/dispatcher.js'
import { listening, Sandbox, type Command } from '../support/cli.js'
import { bytes, Origin } from '../support/origin.js'

const example = 'https://storage.example.com/builds/Image.gz'

/** What stands in the boxes of the help page, by their names. */
function linesOf(page: string): Map<string, string> {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&', '#39': "'" }
  const text = (html: string): string => html.replace(/&(#?\w+);/g, (_, name: string) => entities[name] ?? '')
  const blocks = page.matchAll(/<pre id="(\w+)"><code>([^]*?)<\/code><\/pre>/g)
  return new Map([...blocks].map(([, id = '', lines = '']) => [id, text(lines)]))
}

describe('the lines of the help page', function () {
  this.timeout(30_000)
  const body = bytes('help', 30_000)
  let sandbox: Sandbox
  let origin: Origin
  let running: Command
  let server: string
  let lines: Map<string, string>

  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    origin.serve('/builds/Image.gz', { body })
    running = sandbox.startServer(['--port', '0', '--allow-upstream', '127.0.0.0/8'])
    server = await listening(running)
    lines = linesOf(await (await fetch(`${server}help/`)).text())
  })
  afterEach(async () => {
    running.child.kill('SIGTERM')
    await running.ended
    await origin.close()
    sandbox.remove()
  })

  /** A line, for an artifact that there is. */
  const real = (id: string): string => {
    const url = origin.url('/builds/Image.gz')
    return lines.get(id)!.replaceAll(example, url).replaceAll(encodeURIComponent(example), encodeURIComponent(url))
  }
  const saved = (): Buffer => readFileSync(path.join(sandbox.cwd, 'Image.gz'))

  for (const tool of ['curl', 'wget']) {
    it(`save an artifact with ${tool}`, async function () {
      if (spawnSync(tool, ['--version']).error !== undefined) {
        console.log(`      skipped: needs ${tool}`)
        this.skip()
      }
      const ran = spawn('sh', ['-c', real(tool)], { cwd: sandbox.cwd, stdio: 'ignore' })
      const [code] = (await once(ran, 'close')) as [number]
      assert.equal(code, 0)
      assert.deepEqual(saved(), body)
    })
  }

  it('save an artifact with kiss itself', async () => {
    const args = real('kiss').split(' ').slice(1)
    const { code, stderr } = await sandbox.run(args)
    assert.equal(code, 0, stderr)
    assert.deepEqual(saved(), body)
  })

  it('are for LAVA what kiss lava dispatcher-config prints', () => {
    assert.deepEqual(parse(lines.get('lava')!), dispatcherConfig(server.replace(/\/$/, '')))
  })

  it('are for GitLab CI a job that YAML takes, with one command', () => {
    const { test } = parse(lines.get('gitlab')!) as { test: { variables: { KISS: string }; script: string[] } }
    assert.equal(test.variables.KISS, server.replace(/\/$/, ''))
    assert.equal(test.script.length, 1)
    assert.match(test.script[0]!, /^curl -fLG .*\/api\/v1\/fetch".* --data-urlencode "url=\$CI_API_V4_URL.*"\n$/)
  })
})
