import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { project, Sandbox } from '../support/cli.js'
import { Origin } from '../support/origin.js'

interface Manifest {
  readonly commands: Readonly<
    Record<string, { readonly examples?: readonly (string | { readonly command: string })[] }>
  >
}

const { commands } = JSON.parse(readFileSync(path.join(project, 'oclif.manifest.json'), 'utf8')) as Manifest
const examples = Object.values(commands).flatMap(({ examples = [] }) =>
  examples.map((example) =>
    (typeof example === 'string' ? example : example.command).replaceAll('<%= config.bin %>', 'kiss'),
  ),
)

describe('examples in the help texts', () => {
  let sandbox: Sandbox
  let origin: Origin
  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    // What `printf hello | xz` makes.
    const xz = '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAEaGVsbG8AAAAAsTe52+XaHpsAAR0FuC2Arx+2830BAAAAAARZWg=='
    origin.serve('/pub/linux/kernel/v6.x/patch-6.12.1.xz', { body: Buffer.from(xz, 'base64') })
    mkdirSync(path.join(sandbox.root, 'bin'))
    symlinkSync(path.join(project, 'bin/run.js'), path.join(sandbox.root, 'bin/kiss'))
  })
  afterEach(async () => {
    await origin.close()
    sandbox.remove()
  })

  it('are there for every command', () => {
    for (const [name, { examples }] of Object.entries(commands)) assert.ok((examples ?? []).length > 0, name)
  })

  for (const example of examples) {
    it(`work when pasted: ${example}`, async () => {
      const line = example.replaceAll('https://cdn.kernel.org', origin.url(''))
      const shell = spawn('bash', ['-c', line.startsWith('kiss serve') ? `exec ${line}` : line], {
        cwd: sandbox.cwd,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: `${path.join(sandbox.root, 'bin')}:${path.dirname(process.execPath)}:${process.env.PATH ?? ''}`,
          HOME: sandbox.home,
          KISS_CACHE_DIR: sandbox.cacheDir,
          KISS_PORT: '0',
        },
      })
      let errors = ''
      shell.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
      if (line.startsWith('kiss serve') && !line.includes('--print-config')) {
        await Promise.race([once(shell.stdout, 'data'), once(shell, 'close')])
        shell.kill('SIGTERM')
      }
      shell.stdout.resume()
      const [code] = (await once(shell, 'close')) as [number]
      assert.equal(code, 0, errors)
    })
  }
})
