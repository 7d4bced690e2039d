import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { listening, project, Sandbox, type Running } from '../../support/cli.js'
import { bytes, Origin, sha256 } from '../../support/origin.js'

interface Manifest {
  readonly commands: Readonly<Record<string, { readonly examples?: readonly { readonly command: string }[] }>>
}

const plugin = path.join(project, 'plugins/lava')
const { commands } = JSON.parse(readFileSync(path.join(plugin, 'oclif.manifest.json'), 'utf8')) as Manifest
const helps = Object.entries(commands).map(([name, { examples = [] }]) => ({
  name,
  lines: examples.map(({ command }) => command.replaceAll('<%= config.bin %>', 'kiss')),
}))
const readme = readFileSync(path.join(plugin, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```sh\n(.*?)^```/gms)].map(([, text = '']) => text.trimEnd().split('\n'))

describe('examples of the LAVA plugin', () => {
  const kernel = bytes('kernel', 10_000)
  let sandbox: Sandbox
  let origin: Origin
  let running: Running
  let server: string
  let job: string
  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    origin.serve('/Image', { body: kernel })
    const url = origin.url('/Image')
    job = `actions:\n- deploy:\n    to: tftp\n    kernel: {url: '${url}', sha256sum: ${sha256(kernel)}}\n`
    for (const name of ['job', 'rewritten']) writeFileSync(path.join(sandbox.cwd, `${name}.yaml`), job)
    const bin = path.join(sandbox.root, 'bin')
    mkdirSync(bin)
    symlinkSync(path.join(project, 'bin/run.js'), path.join(bin, 'kiss'))
    // What a submitted job is; `-` is standard input to the real one too.
    writeFileSync(path.join(bin, 'lavacli'), '#!/bin/sh\n[ "$1 $2" = "jobs submit" ] && cat "$3"\n')
    writeFileSync(path.join(bin, 'jq'), '#!/bin/sh\ncat\n')
    for (const name of ['lavacli', 'jq']) chmodSync(path.join(bin, name), 0o755)
    running = sandbox.start(['serve', '--port', '0', '--allow-upstream', '127.0.0.0/8'], {
      env: { KISS_CACHE_DIR: path.join(sandbox.root, 'server') },
    })
    server = (await listening(running)).replace(/\/$/, '')
  })
  afterEach(async () => {
    running.child.kill('SIGTERM')
    await running.ended
    await origin.close()
    sandbox.remove()
  })

  async function pasted(line: string): Promise<string> {
    const shell = spawn('sh', ['-c', line.replaceAll('http://kiss:8001', server)], {
      cwd: sandbox.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${path.join(sandbox.root, 'bin')}:${path.dirname(process.execPath)}:${process.env.PATH ?? ''}`,
        HOME: sandbox.home,
        KISS_CACHE_DIR: sandbox.cacheDir,
      },
    })
    let [stdout, stderr] = ['', '']
    shell.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    shell.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const [code] = (await once(shell, 'close')) as [number]
    assert.deepEqual([code, stderr], [0, ''], line)
    return stdout
  }

  it('are there for every command', () => {
    for (const { name, lines } of helps) assert.ok(lines.length > 0, name)
  })

  for (const { lines } of helps)
    for (const line of lines)
      it(`work when pasted: ${line}`, async () => {
        const stdout = await pasted(line)
        if (line.includes('| lavacli')) assert.ok(stdout.includes(`${server}/api/v1/fetch/Image?url=`))
      })

  it('work when the blocks of the README are pasted', async () => {
    assert.ok(blocks.length >= 2)
    for (const line of blocks.flat()) await pasted(line)
    assert.equal(origin.log('/Image').length, 1)
  })
})
