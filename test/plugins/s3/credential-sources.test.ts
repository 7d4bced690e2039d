import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { AwsIdentity, proofs, type Call } from '../../support/aws-identity.js'
import { bytes } from '../../support/bytes.js'
import { Sandbox, listening, type Ran, type Running } from '../../support/cli.js'
import { S3Server } from '../../support/s3-server.js'
import { filesWith, secretsIn } from '../../support/secrets.js'

type Env = Record<string, string>

describe('AWS credentials of a session', () => {
  let sandbox: Sandbox
  let identity: AwsIdentity
  let server: S3Server
  beforeEach(async () => {
    sandbox = new Sandbox()
    identity = await AwsIdentity.start()
    server = await S3Server.start({ keys: identity.sessions })
    server.bucket('lkft').put('lkft', 'Image.gz', 'kernel')
  })
  afterEach(async () => {
    await Promise.all([server.close(), identity.close()])
    sandbox.remove()
  })

  const home = (name: string, content: string): string => {
    const file = path.join(sandbox.home, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, content)
    return file
  }
  const run = (args: string[], env: Env = {}): Promise<Ran> => {
    const settings = {
      AWS_ENDPOINT_URL_S3: server.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
    }
    return sandbox.run(args, { env: { ...settings, ...env } })
  }
  const fetching = (env: Env): Promise<Ran> => run(['fetch', 's3://lkft/Image.gz'], env)

  const container = (): Env => ({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${identity.url}/container`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: proofs.container,
  })
  const ssoCache = (name: string, token: object): string =>
    home(`.aws/sso/cache/${createHash('sha1').update(name).digest('hex')}.json`, JSON.stringify(token))
  const later = (): string => new Date(Date.now() + 3_600_000).toISOString()
  const ssoSession = '[sso-session lab]\nsso_region = eu-west-1\nsso_start_url = https://lab.awsapps.com/start\n'
  const ssoProfile = 'sso_account_id = 123456789012\nsso_role_name = ci-reader\n'

  const sources: [name: string, calls: Call[], set: () => Env][] = [
    ['a container', ['container'], container],
    [
      'a container with its token in a file',
      ['container'],
      () => ({
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${identity.url}/container`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: home('token', proofs.container),
      }),
    ],
    [
      'an instance',
      ['imds token', 'imds role', 'imds credentials'],
      () => ({ AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: identity.url }),
    ],
    [
      'a web identity',
      ['AssumeRoleWithWebIdentity'],
      () => ({
        AWS_WEB_IDENTITY_TOKEN_FILE: home('web-identity', proofs.webIdentity),
        AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/ci-reader',
        AWS_ENDPOINT_URL_STS: identity.url,
      }),
    ],
    [
      'a single sign-on',
      ['GetRoleCredentials'],
      () => {
        home('.aws/config', `[profile ci]\nsso_session = lab\n${ssoProfile}${ssoSession}`)
        ssoCache('lab', { accessToken: proofs.sso, expiresAt: later() })
        return { AWS_PROFILE: 'ci', AWS_ENDPOINT_URL_SSO: identity.url }
      },
    ],
    [
      'a single sign-on without a session of its own name',
      ['GetRoleCredentials'],
      () => {
        const start = 'https://lab.awsapps.com/start'
        home('.aws/config', `[profile ci]\nsso_start_url = ${start}\nsso_region = eu-west-1\n${ssoProfile}`)
        ssoCache(start, { accessToken: proofs.sso, expiresAt: later() })
        return { AWS_PROFILE: 'ci', AWS_ENDPOINT_URL_SSO: identity.url }
      },
    ],
    [
      'a single sign-on whose token has to be refreshed',
      ['CreateToken', 'GetRoleCredentials'],
      () => {
        home('.aws/config', `[profile ci]\nsso_session = lab\n${ssoProfile}${ssoSession}`)
        ssoCache('lab', {
          accessToken: 'sso-access-token-of-yesterday',
          expiresAt: new Date(Date.now() - 1000).toISOString(),
          clientId: 'client',
          clientSecret: proofs.oidcClient,
          refreshToken: proofs.refresh,
        })
        return { AWS_PROFILE: 'ci', AWS_ENDPOINT_URL_SSO: identity.url, AWS_ENDPOINT_URL_SSO_OIDC: identity.url }
      },
    ],
    [
      'a role that another profile assumes',
      ['AssumeRole'],
      () => {
        const { accessKeyId, secretAccessKey } = proofs.source
        home(
          '.aws/credentials',
          `[base]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
        )
        home(
          '.aws/config',
          '[profile ci]\nsource_profile = base\nrole_arn = arn:aws:iam::123456789012:role/ci-reader\n',
        )
        return { AWS_PROFILE: 'ci', AWS_ENDPOINT_URL_STS: identity.url }
      },
    ],
  ]
  for (const [name, calls, set] of sources) {
    it(`read an object by ${name}, and are written nowhere`, async () => {
      const { code, stderr } = await fetching(set())
      assert.deepEqual([code, stderr], [0, ''])
      assert.deepEqual([identity.asked, server.requests.map(({ by }) => by)], [calls, ['header']])
      const made = identity.sessions.flatMap(({ secretAccessKey, sessionToken = '' }) => [
        secretAccessKey,
        sessionToken,
      ])
      const secrets = [...made, proofs.container, proofs.webIdentity, proofs.sso, proofs.source.secretAccessKey]
      assert.deepEqual(await filesWith(sandbox.cacheDir, secrets), [])
    })
  }

  it('read an object by the command of a profile', async () => {
    const key = { accessKeyId: 'ASIAPROCESS', secretAccessKey: 'secret+of/process', sessionToken: 'token+of/process' }
    identity.sessions.push(key)
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken } = key
    const json = JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey, SessionToken, Expiration: later() })
    const script = home('make', `#!/bin/sh\necho '${json}'\n`)
    chmodSync(script, 0o700)
    home('.aws/config', `[profile ci]\ncredential_process = ${script}\n`)
    assert.deepEqual((await fetching({ AWS_PROFILE: 'ci' })).code, 0)
    assert.deepEqual(await filesWith(sandbox.cacheDir, [key.secretAccessKey, key.sessionToken]), [])
  })

  describe('that cannot be had', () => {
    const failures: [name: string, message: string, set: () => Env][] = [
      [
        'a container that takes another token',
        'the credential service of the container gives none',
        () => ({ ...container(), AWS_CONTAINER_AUTHORIZATION_TOKEN: 'hunter2' }),
      ],
      [
        'a container that answers with something else',
        'their source answered with something else',
        () => {
          identity.garbage = '{"AccessKeyId":"ASIA1","SecretAccessKey":hunter2}'
          return container()
        },
      ],
      [
        'a role that the web identity does not get',
        'The token is not valid.',
        () => ({
          AWS_WEB_IDENTITY_TOKEN_FILE: home('web-identity', 'hunter2'),
          AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/ci-reader',
          AWS_ENDPOINT_URL_STS: identity.url,
        }),
      ],
      [
        'a single sign-on that nobody has signed in to',
        "The SSO session token associated with profile=ci was not found or is invalid. To refresh this SSO session run 'aws sso login' with the corresponding profile.",
        () => {
          home('.aws/config', `[profile ci]\nsso_session = lab\n${ssoProfile}${ssoSession}`)
          return { AWS_PROFILE: 'ci' }
        },
      ],
      [
        'an instance that hangs',
        'none in the environment or the shared config files, nor of an EC2 instance; for a public bucket set anonymous: true',
        () => {
          identity.silent = true
          return { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: identity.url }
        },
      ],
      [
        'a profile that there is not, even where the machine has an identity',
        'the shared config files have no profile nosuch',
        () => ({ ...container(), AWS_PROFILE: 'nosuch' }),
      ],
      [
        'a command that fails',
        'the credential_process of the profile failed',
        () => {
          home('.aws/config', '[profile ci]\ncredential_process = sh -c "echo hunter2 >&2; exit 3"\n')
          return { AWS_PROFILE: 'ci' }
        },
      ],
    ]
    for (const [name, message, set] of failures) {
      it(`end with exit code 7 and one line: ${name}`, async () => {
        const { code, stderr } = await fetching(set())
        assert.deepEqual([code, stderr], [7, `kiss: s3: bucket lkft: no AWS credentials: ${message}\n`])
        assert.equal(server.requests.length, 0)
        assert.deepEqual(await filesWith(sandbox.cacheDir, ['hunter2']), [])
      })
    }
  })

  describe('in a server', () => {
    let kiss: Running | undefined
    afterEach(async () => {
      kiss?.child.kill('SIGTERM')
      await kiss?.ended
      kiss = undefined
    })
    /** Returns what asks for an object, by default one that nobody has asked for before. */
    const serve = async (env: Env): Promise<(key?: string) => Promise<Response>> => {
      const settings = { AWS_ENDPOINT_URL_S3: server.endpoint, AWS_REGION: 'us-east-1', KISS_S3_BUCKETS: 'lkft' }
      const args = ['serve', '--port', '0', '--allow-upstream', '127.0.0.0/8', '--log-level', 'trace']
      kiss = sandbox.start(args, { env: { ...settings, ...env } })
      const root = await listening(kiss)
      let n = 0
      const fresh = (): string => {
        server.put('lkft', `${++n}`, `object ${n}`)
        return `${n}`
      }
      return (key = fresh()) => fetch(`${root}/api/v1/fetch?url=s3://lkft/${key}`)
    }
    const signers = (): (string | undefined)[] =>
      server.requests.map(({ headers }) => /Credential=([^/]+)/.exec(headers['authorization'] ?? '')?.[1])

    it('are asked for anew when the session is over', async () => {
      identity.lifetime = -1000
      const ask = await serve(container())
      assert.deepEqual([(await ask()).status, (await ask()).status], [200, 200])
      assert.deepEqual(signers(), ['ASIA1', 'ASIA2'])
    })

    it('are renewed before the session is over, while the old ones still serve', async () => {
      identity.lifetime = 60_000
      const ask = await serve(container())
      assert.equal((await ask()).status, 200)
      const renewed = new Promise<void>((resolve) => (identity.onAsked = () => resolve()))
      while (!signers().includes('ASIA2')) {
        assert.equal((await ask()).status, 200)
        await renewed
      }
      assert.equal(signers()[1], 'ASIA1')
    })

    it('are asked for anew when S3 calls the session expired in the middle of a download, which goes on', async () => {
      const ask = await serve(container())
      const body = bytes('kernel', 300_000)
      server.cutNext(100_000, () => (identity.sessions[0]!.expired = true))
      server.put('lkft', 'large', body)
      assert.deepEqual(Buffer.from(await (await ask('large')).arrayBuffer()), body)
      assert.deepEqual(signers(), ['ASIA1', 'ASIA1', 'ASIA2'])
      assert.deepEqual(
        server.requests.map(({ status }) => status),
        [200, 400, 206],
      )
    })

    it('come from the shared files as they are now', async () => {
      const session = (n: number): void => {
        const key = { accessKeyId: `ASIAFILE${n}`, secretAccessKey: `secret-${n}`, sessionToken: `token-${n}` }
        identity.sessions.push(key)
        const { accessKeyId, secretAccessKey, sessionToken } = key
        home(
          '.aws/credentials',
          `[default]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\naws_session_token=${sessionToken}\n`,
        )
      }
      session(1)
      const ask = await serve({})
      assert.equal((await ask()).status, 200)
      identity.sessions[0]!.expired = true
      session(2)
      assert.equal((await ask()).status, 200)
      assert.deepEqual(signers(), ['ASIAFILE1', 'ASIAFILE1', 'ASIAFILE2'])
    })

    it('that S3 calls expired are a clear problem where there are no others', async () => {
      const ask = await serve(container())
      assert.equal((await ask()).status, 200)
      identity.sessions[0]!.expired = true
      identity.failing = 500
      const failed = await ask()
      assert.deepEqual([failed.status, ((await failed.json()) as { code: string }).code], [502, 'credential'])
      assert.equal((await ask('1')).status, 200, 'what is stored is served')
    })

    it('that cannot be renewed are a clear problem, and nothing of them is logged', async () => {
      identity.lifetime = -1000
      const ask = await serve(container())
      assert.equal((await ask()).status, 200)
      identity.failing = 500
      const failed = await ask()
      const { code, detail } = (await failed.json()) as { code: string; detail: string }
      assert.deepEqual([failed.status, code], [502, 'credential'])
      assert.equal(detail, 's3: bucket lkft: no AWS credentials: the credential service of the container gives none')
      kiss?.child.kill('SIGTERM')
      const { stdout, stderr } = (await kiss?.ended) ?? assert.fail('it runs')
      assert.match(stderr, /credential/)
      const { secretAccessKey, sessionToken = '' } = identity.sessions[0]!
      const secrets = [secretAccessKey, sessionToken, proofs.container]
      assert.deepEqual(secretsIn(`${detail}${stdout}${stderr}`, secrets), [])
      assert.deepEqual(await filesWith(sandbox.root, secrets), [])
    })
  })
})
