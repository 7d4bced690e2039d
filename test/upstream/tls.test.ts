import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Asker } from '../support/asking.js'
import { Origin, bytes, type OriginSettings } from '../support/origin.js'
import { makeCertificates, type Certificates } from '../support/tls.js'

const body = bytes('tls', 100_000)
const run = promisify(execFile)

describe('https origins', () => {
  let certificates: Certificates
  let other: Certificates
  let origin: Origin
  const open: { close(): Promise<void> }[] = []

  async function asker(...options: Parameters<typeof Asker.open>): Promise<Asker> {
    const one = await Asker.open(...options)
    open.push(one)
    return one
  }

  async function another(settings?: OriginSettings): Promise<Origin> {
    const one = await Origin.start(settings)
    open.push(one)
    return one
  }

  before(async () => {
    certificates = await makeCertificates()
    other = await makeCertificates()
    origin = await Origin.start({ tls: certificates })
    origin.serve('/a', { body })
  })
  afterEach(() => Promise.all(open.splice(0).map((one) => one.close())))
  after(async () => {
    await origin.close()
    await certificates.remove()
    await other.remove()
  })

  it('trusts what the CA file says', async () => {
    const own = await asker({ caFile: certificates.caFile })
    assert.deepEqual((await own.get(origin.url('/a'))).body, body)
    assert.deepEqual((await own.get(origin.url('/a', 'localhost'))).body, body)
  })

  it('trusts every certificate in the CA file', async () => {
    const both = `${other.caFile}.both`
    await writeFile(both, 'words before\n')
    for (const file of [other.caFile, certificates.caFile]) await appendFile(both, await readFile(file))
    assert.equal((await (await asker({ caFile: both })).get(origin.url('/a'))).status, 200)
  })

  it('does not trust anybody else', async () => {
    const code = /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/
    await assert.rejects((await asker()).get(origin.url('/a')), { code })
    await assert.rejects((await asker({ caFile: other.caFile })).get(origin.url('/a')), { code })
  })

  it('wants the name that was asked for', async () => {
    const lookup = (_name: string, _options: object, found: (error: null, all: object[]) => void) =>
      found(null, [{ address: '127.0.0.1', family: 4 }])
    const own = await asker({ caFile: certificates.caFile }, { lookup: lookup as never })
    await assert.rejects(own.get(origin.url('/a', 'other.example')), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })

  it('says what is wrong with a CA file', async () => {
    const empty = `${other.caFile}.empty`
    const broken = `${other.caFile}.broken`
    await writeFile(empty, '# nothing\n')
    await writeFile(broken, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    await assert.rejects(Asker.open({ caFile: '/nowhere/ca.pem' }), {
      code: 'configuration',
      exit: 2,
      message: /cannot read/,
    })
    await assert.rejects(Asker.open({ caFile: empty }), { code: 'configuration', message: /no PEM certificate/ })
    await assert.rejects(Asker.open({ caFile: broken }), { code: 'configuration', message: /certificate 1 in/ })
  })

  it('goes on trusting NODE_EXTRA_CA_CERTS beside the CA file', async () => {
    const extra = await another({ tls: other })
    extra.serve('/a', { body })
    const script = fileURLToPath(new URL('./trusting.js', import.meta.url))
    const args = [script, certificates.caFile, origin.url('/a'), extra.url('/a')]
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: other.caFile }
    assert.equal((await run(process.execPath, args, { env })).stdout, '200 200\n')
  })

  it('trusts the certificates of the operating system where they are asked for by name', async () => {
    const { SSL_CERT_FILE: before } = process.env
    process.env['SSL_CERT_FILE'] = certificates.caFile
    try {
      const own = await asker({ caFile: 'system' })
      assert.deepEqual((await own.get(origin.url('/a'))).body, body)
      process.env['SSL_CERT_FILE'] = '/nowhere.pem'
      await assert.rejects(Asker.open({ caFile: 'system' }), { code: 'configuration', message: /\/nowhere\.pem/ })
    } finally {
      if (before === undefined) delete process.env['SSL_CERT_FILE']
      else process.env['SSL_CERT_FILE'] = before
    }
  })

  it('does not follow a redirect from https to http', async () => {
    const bare = await another()
    origin.script('/down', [{ redirect: bare.url('/a') }])
    const own = await asker({ caFile: certificates.caFile })
    await assert.rejects(own.get(origin.url('/down')), {
      code: 'origin-failed',
      status: 502,
      message: /from https to http/,
    })
    assert.equal(bare.connections, 0)
  })

  it('shows no passed header to https on the same host and port after http', async () => {
    const bare = await another()
    bare.script('/up', [{ redirect: origin.url('/a') }])
    const own = await asker({ caFile: certificates.caFile })
    const before = origin.log('/a').length
    await own.get(bare.url('/up'), { headers: { 'private-token': 'secret' } })
    assert.equal(origin.log('/a')[before]!.headers['private-token'], undefined)
  })
})
