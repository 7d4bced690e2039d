import assert from 'node:assert/strict'
import { Origin } from '../../support/origin.js'
import { commandLine } from '../../support/command-line.js'
import { makeCertificates, type Certificates } from '../../support/tls.js'

describe('kiss fetch, asked again with what it was told', () => {
  const cli = commandLine()
  let certificates: Certificates
  let secure: Origin
  before(async () => {
    certificates = await makeCertificates()
    secure = await Origin.start({ tls: certificates })
  })
  after(async () => {
    await secure.close()
    await certificates.remove()
  })

  it('takes the certificate of an authority at once after it was missing', async () => {
    secure.serve('/f', { body: Buffer.from('trusted') })
    const first = await cli.sandbox.run(['fetch', secure.url('/f')])
    assert.equal(first.code, 4)
    assert.match(first.stderr, /; name the certificate of its authority with --ca-file\n$/)
    const again = await cli.sandbox.run(['fetch', '-o', '-', '--ca-file', certificates.caFile, secure.url('/f')])
    assert.deepEqual([again.code, again.stdout], [0, 'trusted'])
  })

  it('says in words that there is no TLS', async () => {
    const url = cli.origin.url('/f').replace('http:', 'https:')
    const { code, stderr } = await cli.sandbox.run(['fetch', url])
    assert.deepEqual([code, stderr], [4, `kiss: cannot fetch ${url}: it does not speak TLS there\n`])
  })

  it('gives up a directory that cannot be made', async function () {
    if (process.platform !== 'linux') this.skip() // needs a place where nothing can be made, for root neither
    const { code, stderr } = await cli.sandbox.run(['fetch', '-d', '/proc/none', cli.origin.url('/f')])
    assert.deepEqual([code, stderr], [6, 'kiss: cannot write /proc/none/f: ENOENT\n'])
  })
})
