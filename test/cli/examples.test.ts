import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { listening, project } from '../support/cli.js'
import { Origin } from '../support/origin.js'
import { PasteShell } from '../support/paste.js'

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
  let shell: PasteShell
  let origin: Origin
  beforeEach(async () => {
    shell = await PasteShell.open()
    origin = await Origin.start()
    // What `printf hello | xz` makes.
    const xz = '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAEaGVsbG8AAAAAsTe52+XaHpsAAR0FuC2Arx+2830BAAAAAARZWg=='
    origin.serve('/pub/linux/kernel/v6.x/patch-6.12.1.xz', { body: Buffer.from(xz, 'base64') })
  })
  afterEach(async () => {
    await shell.remove()
    await origin.close()
  })

  it('are there for every command', () => {
    for (const [name, { examples }] of Object.entries(commands)) assert.ok((examples ?? []).length > 0, name)
  })

  for (const example of examples) {
    it(`work when pasted: ${example}`, async () => {
      const line = example.replaceAll('https://cdn.kernel.org', origin.url(''))
      if (line.startsWith('kiss serve') && !line.includes('--print-config')) {
        const server = shell.start(`exec ${line}`, { KISS_PORT: '0' })
        await listening(server)
        server.child.kill('SIGTERM')
        assert.equal((await server.ended).code, 0)
      } else {
        const { code, stderr } = await shell.paste(line)
        assert.equal(code, 0, stderr)
      }
    })
  }
})
