import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { commandLine } from '../../support/command-line.js'

describe('kiss fetch where the name of the output is a symbolic link', () => {
  const cli = commandLine()
  const body = Buffer.from('new')
  const saved = (name: string): string => path.join(cli.sandbox.cwd, name)
  beforeEach(() => {
    cli.origin.serve('/Image.gz', { body })
    mkdirSync(saved('versions'))
    symlinkSync('versions/6.6', saved('Image.gz'))
  })

  it('replaces the file behind the link, as curl writes to it', async () => {
    for (const args of [[], ['-o', 'Image.gz']]) {
      writeFileSync(saved('versions/6.6'), 'old')
      const { code } = await cli.sandbox.run(['fetch', ...args, cli.origin.url('/Image.gz')])
      assert.deepEqual([code, readlinkSync(saved('Image.gz'))], [0, 'versions/6.6'])
      assert.deepEqual(readdirSync(saved('versions')), ['6.6'])
      assert.deepEqual(readFileSync(saved('versions/6.6')), body)
    }
  })

  it('leaves the file behind the link as it is when there is no artifact', async () => {
    writeFileSync(saved('versions/6.6'), 'old')
    const { code } = await cli.sandbox.run(['fetch', '-o', 'Image.gz', cli.origin.url('/missing')])
    assert.deepEqual([code, readFileSync(saved('Image.gz'), 'utf8')], [3, 'old'])
  })

  it('replaces a link that leads nowhere', async () => {
    assert.equal((await cli.sandbox.run(['fetch', cli.origin.url('/Image.gz')])).code, 0)
    assert.deepEqual(readFileSync(saved('Image.gz')), body)
    assert.deepEqual(readdirSync(saved('versions')), [])
  })

  it('holds for a bundle too', async () => {
    assert.equal((await cli.sandbox.run(['fetch', '-o', 'x', cli.origin.url('/Image.gz')])).code, 0)
    writeFileSync(saved('versions/6.6'), 'old')
    assert.equal((await cli.sandbox.run(['bundle', 'create', 'Image.gz'])).code, 0)
    assert.equal(readlinkSync(saved('Image.gz')), 'versions/6.6')
    assert.deepEqual(readdirSync(saved('versions')), ['6.6'])
    assert.notEqual(readFileSync(saved('versions/6.6'), 'utf8'), 'old')
  })
})
