import assert from 'node:assert/strict'
import { proofs } from '../../support/aws-identity.js'
import { bytes } from '../../support/bytes.js'
import { listening, type Command } from '../../support/cli.js'
import { filesWith, secretsIn } from '../../support/secrets.js'
import { identityLab } from './identity-lab.js'

type Env = Record<string, string>

describe('AWS credentials in a server', () => {
  let kiss: Command | undefined
  afterEach(async () => {
    kiss?.child.kill('SIGTERM')
    await kiss?.ended
    kiss = undefined
  })
  const lab = identityLab()
  const { home, container } = lab

  /** Returns what asks for an object, by default one that nobody has asked for before. */
  const serve = async (env: Env): Promise<(key?: string) => Promise<Response>> => {
    const settings = { AWS_ENDPOINT_URL_S3: lab.server.endpoint, AWS_REGION: 'us-east-1', KISS_S3_BUCKETS: 'lkft' }
    const args = ['--port', '0', '--allow-upstream', '127.0.0.0/8', '--log-level', 'trace']
    kiss = lab.sandbox.startServer(args, { env: { ...settings, ...env } })
    const root = await listening(kiss)
    let n = 0
    const fresh = (): string => {
      lab.server.put('lkft', `${++n}`, `object ${n}`)
      return `${n}`
    }
    return (key = fresh()) => fetch(`${root}/api/v1/fetch?url=s3://lkft/${key}`)
  }
  const signers = (): (string | undefined)[] =>
    lab.server.requests.map(({ headers }) => /Credential=([^/]+)/.exec(headers['authorization'] ?? '')?.[1])

  it('a server asks for AWS credentials anew when the session is over', async () => {
    lab.identity.lifetime = -1000
    const ask = await serve(container())
    assert.deepEqual([(await ask()).status, (await ask()).status], [200, 200])
    assert.deepEqual(signers(), ['ASIA1', 'ASIA2'])
  })

  it('a server renews AWS credentials before the session is over, while the old ones still serve', async () => {
    lab.identity.lifetime = 60_000
    const ask = await serve(container())
    assert.equal((await ask()).status, 200)
    const renewed = new Promise<void>((resolve) => (lab.identity.onAsked = () => resolve()))
    while (!signers().includes('ASIA2')) {
      assert.equal((await ask()).status, 200)
      await renewed
    }
    assert.equal(signers()[1], 'ASIA1')
  })

  it('a download goes on with new AWS credentials when S3 calls the session expired', async () => {
    const ask = await serve(container())
    const body = bytes('kernel', 300_000)
    lab.server.cutNext(100_000, () => (lab.identity.sessions[0]!.expired = true))
    lab.server.put('lkft', 'large', body)
    assert.deepEqual(Buffer.from(await (await ask('large')).arrayBuffer()), body)
    assert.deepEqual(signers(), ['ASIA1', 'ASIA1', 'ASIA2'])
    assert.deepEqual(
      lab.server.requests.map(({ status }) => status),
      [200, 400, 206],
    )
  })

  it('a server reads AWS credentials from the shared files again when S3 calls them expired', async () => {
    const session = (n: number): void => {
      const key = { accessKeyId: `ASIAFILE${n}`, secretAccessKey: `secret-${n}`, sessionToken: `token-${n}` }
      lab.identity.sessions.push(key)
      const { accessKeyId, secretAccessKey, sessionToken } = key
      home(
        '.aws/credentials',
        `[default]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\naws_session_token=${sessionToken}\n`,
      )
    }
    session(1)
    const ask = await serve({})
    assert.equal((await ask()).status, 200)
    lab.identity.sessions[0]!.expired = true
    session(2)
    assert.equal((await ask()).status, 200)
    assert.deepEqual(signers(), ['ASIAFILE1', 'ASIAFILE1', 'ASIAFILE2'])
  })

  it('AWS credentials that S3 calls expired are a clear problem if there are no others', async () => {
    const ask = await serve(container())
    assert.equal((await ask()).status, 200)
    lab.identity.sessions[0]!.expired = true
    lab.identity.failing = 500
    const failed = await ask()
    assert.deepEqual([failed.status, ((await failed.json()) as { code: string }).code], [502, 'credential'])
    assert.equal((await ask('1')).status, 200, 'what is stored is served')
  })

  it('AWS credentials that cannot be renewed are a clear problem, and do not reach the log', async () => {
    lab.identity.lifetime = -1000
    const ask = await serve(container())
    assert.equal((await ask()).status, 200)
    lab.identity.failing = 500
    const failed = await ask()
    const { code, detail } = (await failed.json()) as { code: string; detail: string }
    assert.deepEqual([failed.status, code], [502, 'credential'])
    assert.equal(detail, 's3: bucket lkft: no AWS credentials: the credential service of the container gives none')
    kiss?.child.kill('SIGTERM')
    const { stdout, stderr } = (await kiss?.ended) ?? assert.fail('it runs')
    assert.match(stderr, /credential/)
    const { secretAccessKey, sessionToken = '' } = lab.identity.sessions[0]!
    const secrets = [secretAccessKey, sessionToken, proofs.container]
    assert.deepEqual(secretsIn(`${detail}${stdout}${stderr}`, secrets), [])
    assert.deepEqual(await filesWith(lab.sandbox.root, secrets), [])
  })
})
