import assert from 'node:assert/strict'
import path from 'node:path'
import { writeFileSync } from 'node:fs'
import { AwsIdentity, proofs } from '../../support/aws-identity.js'
import { Sandbox, type Ran } from '../../support/cli.js'
import { Proxy } from '../../support/proxy.js'
import { S3Server } from '../../support/s3-server.js'
import { TlsFront } from '../../support/tls-front.js'
import { makeCertificates, type Certificates } from '../../support/tls.js'

describe('what the S3 plugin asks besides objects', () => {
  let certificates: Certificates
  let sandbox: Sandbox
  let identity: AwsIdentity
  let server: S3Server
  let proxy: Proxy
  /** TLS in front of S3, and of STS. */
  let s3: TlsFront
  let sts: TlsFront
  before(async () => {
    certificates = await makeCertificates()
  })
  beforeEach(async () => {
    sandbox = new Sandbox()
    identity = await AwsIdentity.start()
    server = await S3Server.start({ keys: identity.sessions })
    server.bucket('lkft').put('lkft', 'Image.gz', 'kernel')
    proxy = await Proxy.start()
    s3 = await TlsFront.start(server.port, certificates)
    sts = await TlsFront.start(Number(new URL(identity.url).port), certificates)
  })
  afterEach(async () => {
    await Promise.all([s3, sts, proxy, server, identity].map((one) => one.close()))
    sandbox.remove()
  })
  after(() => certificates.remove())

  const run = (args: string[], env: Record<string, string | undefined>): Promise<Ran> => {
    const token = path.join(sandbox.home, 'token')
    writeFileSync(token, proofs.webIdentity)
    const role = { AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/ci-reader' }
    const plain = { AWS_ENDPOINT_URL_S3: server.endpoint, AWS_ENDPOINT_URL_STS: identity.url }
    return sandbox.run(args, { env: { AWS_REGION: 'us-east-1', ...role, ...plain, ...env } })
  }
  const list = ['s3', 'ls', 's3://lkft']
  const targets = (): string[] => proxy.asked.map(({ method, target }) => `${method} ${target.split('?')[0]}`)
  const secure = (): Record<string, string> => ({ AWS_ENDPOINT_URL_S3: s3.url, AWS_ENDPOINT_URL_STS: sts.url })

  it('goes through HTTP_PROXY, lists and credentials alike', async () => {
    const { code, stderr } = await run(list, { HTTP_PROXY: proxy.url() })
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(targets(), [`POST ${identity.url}/`, `GET ${server.endpoint}/lkft/`])
  })

  it('goes through HTTPS_PROXY by tunnels, and trusts the authorities of --ca-file', async () => {
    const { code, stderr } = await run([...list, '--ca-file', certificates.caFile], {
      ...secure(),
      HTTPS_PROXY: proxy.url(),
    })
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(
      targets(),
      [sts, s3].map(({ url }) => `CONNECT ${new URL(url).host}`),
    )
  })

  it('trusts those of the configuration file when it presigns', async () => {
    writeFileSync(sandbox.configFile, `ca-file: ${certificates.caFile}\n`)
    const { code, stdout } = await run(['s3', 'presign', 's3://lkft/Image.gz'], secure())
    assert.deepEqual([code, identity.asked], [0, ['AssumeRoleWithWebIdentity']])
    assert.match(stdout, /X-Amz-Security-Token=/)
  })

  it('trusts those of the environment when it fetches', async () => {
    const { code } = await run(['fetch', 's3://lkft/Image.gz'], { ...secure(), KISS_CA_FILE: certificates.caFile })
    assert.deepEqual([code, identity.asked], [0, ['AssumeRoleWithWebIdentity']])
  })

  it('stays away from the proxy where NO_PROXY says so', async () => {
    const { code } = await run(list, { HTTP_PROXY: proxy.url(), NO_PROXY: '127.0.0.1' })
    assert.deepEqual([code, targets()], [0, []])
  })

  it('exits 4 for a list and 7 for a credential whose server has no trusted certificate', async () => {
    const { code, stderr } = await run(list, { AWS_ENDPOINT_URL_S3: s3.url })
    assert.equal(code, 4, stderr)
    assert.match(stderr, /^kiss: s3: bucket lkft: 127\.0\.0\.1:\d+ cannot be reached: .*certificate/)
    const credential = await run(list, { AWS_ENDPOINT_URL_STS: sts.url })
    assert.equal(credential.code, 7)
    assert.match(credential.stderr, /^kiss: s3: bucket lkft: no AWS credentials: .*certificate/)
  })

  it('exits 2 for a file without certificates', async () => {
    const key = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'secret' }
    const { code, stderr } = await run([...list, '--ca-file', '/dev/null'], key)
    assert.equal(code, 2)
    assert.match(stderr, /there is no PEM certificate in \/dev\/null/)
  })
})
