import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { project } from '../../support/cli.js'
import { bytes, Origin, sha256 } from '../../support/origin.js'
import { PasteShell } from '../../support/paste.js'

const readme = readFileSync(path.join(project, 'plugins/lava/README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```sh\n(.*?)^```/gms)].map(([, text = '']) => text)

describe('the blocks of the README of the LAVA plugin', () => {
  const kernel = bytes('kernel', 10_000)

  it('work when pasted, with one download', async () => {
    const shell = await PasteShell.open()
    const origin = await Origin.start()
    try {
      origin.serve('/Image', { body: kernel })
      const job = `actions:\n- deploy:\n    to: tftp\n    kernel: {url: '${origin.url('/Image')}', sha256sum: ${sha256(kernel)}}\n`
      writeFileSync(path.join(shell.sandbox.cwd, 'job.yaml'), job)
      // `-` is standard input to the real one too.
      shell.standIn('lavacli', 'test "$1 $2" = "jobs submit" && cat "$3"')
      const server = await shell.serve(['--cache-dir', path.join(shell.sandbox.root, 'server')])
      assert.ok(blocks.length >= 2)
      for (const block of blocks) {
        const { code, stdout, stderr } = await shell.paste(block, { 'http://kiss:8001': server })
        assert.equal(code, 0, `${stdout}${stderr}`)
        if (block.includes('| lavacli')) assert.ok(stdout.includes(`${server}/api/v1/fetch/Image?url=`))
      }
      assert.equal(origin.log('/Image').length, 1)
    } finally {
      await shell.remove()
      await origin.close()
    }
  })
})
