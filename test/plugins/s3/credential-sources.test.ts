import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { proofs, type Call } from '../../support/aws-identity.js'
import type { Ran } from '../../support/cli.js'
import { filesWith } from '../../support/secrets.js'
import { identityLab } from './identity-lab.js'

type Env = Record<string, string>

describe('AWS credentials of a session', () => {
  const lab = identityLab()
  const { home, container } = lab
  const run = (args: string[], env: Env = {}): Promise<Ran> => {
    const settings = {
      AWS_ENDPOINT_URL_S3: lab.server.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
    }
    return lab.sandbox.run(args, { env: { ...settings, ...env } })
  }
  const fetching = (env: Env): Promise<Ran> => run(['fetch', 's3://lkft/Image.gz'], env)

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
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${lab.identity.url}/container`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: home('token', proofs.container),
      }),
    ],
    [
      'an instance',
      ['imds token', 'imds role', 'imds credentials'],
      () => ({ AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: lab.identity.url }),
    ],
    [
      'a web identity',
      ['AssumeRoleWithWebIdentity'],
      () => ({
        AWS_WEB_IDENTITY_TOKEN_FILE: home('web-identity', proofs.webIdentity),
        AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/ci-reader',
        AWS_ENDPOINT_URL_STS: lab.identity.url,
      }),
    ],
    [
      'a single sign-on',
      ['GetRoleCredentials'],
      () => {
        home('.aws/config', `[profile ci]\nsso_session = lab\n${ssoProfile}${ssoSession}`)
        ssoCache('lab', { accessToken: proofs.sso, expiresAt: later() })
        return { AWS_PROFILE: 'ci', AWS_ENDPOINT_URL_SSO: lab.identity.url }
      },
    ],
    [
      'a single sign-on without a session of its own name',
      ['GetRoleCredentials'],
      () => {
        const start = 'https://lab.awsapps.com/start'
        home('.aws/config', `[profile ci]\nsso_start_url = ${start}\nsso_region = eu-west-1\n${ssoProfile}`)
        ssoCache(start, { accessToken: proofs.sso, expiresAt: later() })
        return { AWS_PROFILE: 'ci', AWS_ENDPOINT_URL_SSO: lab.identity.url }
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
        return {
          AWS_PROFILE: 'ci',
          AWS_ENDPOINT_URL_SSO: lab.identity.url,
          AWS_ENDPOINT_URL_SSO_OIDC: lab.identity.url,
        }
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
        return { AWS_PROFILE: 'ci', AWS_ENDPOINT_URL_STS: lab.identity.url }
      },
    ],
  ]
  for (const [name, calls, set] of sources) {
    it(`AWS credentials of ${name} read an object, and are written nowhere`, async () => {
      const { code, stderr } = await fetching(set())
      assert.deepEqual([code, stderr], [0, ''])
      assert.deepEqual([lab.identity.asked, lab.server.requests.map(({ by }) => by)], [calls, ['header']])
      const made = lab.identity.sessions.flatMap(({ secretAccessKey, sessionToken = '' }) => [
        secretAccessKey,
        sessionToken,
      ])
      const secrets = [...made, proofs.container, proofs.webIdentity, proofs.sso, proofs.source.secretAccessKey]
      assert.deepEqual(await filesWith(lab.sandbox.cacheDir, secrets), [])
    })
  }

  it('AWS credentials of the command of a profile read an object', async () => {
    const key = { accessKeyId: 'ASIAPROCESS', secretAccessKey: 'secret+of/process', sessionToken: 'token+of/process' }
    lab.identity.sessions.push(key)
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken } = key
    const json = JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey, SessionToken, Expiration: later() })
    const script = home('make', `#!/bin/sh\necho '${json}'\n`)
    chmodSync(script, 0o700)
    home('.aws/config', `[profile ci]\ncredential_process = ${script}\n`)
    assert.deepEqual((await fetching({ AWS_PROFILE: 'ci' })).code, 0)
    assert.deepEqual(await filesWith(lab.sandbox.cacheDir, [key.secretAccessKey, key.sessionToken]), [])
  })

  describe('that cannot be had', () => {
    const role = 'role_arn = arn:aws:iam::123456789012:role/ci-reader\n'
    const ofProfile = (settings: string): Env => {
      home('.aws/config', `[profile ci]\n${settings}\n`)
      return { AWS_PROFILE: 'ci' }
    }
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
          lab.identity.garbage = '{"AccessKeyId":"ASIA1","SecretAccessKey":hunter2}'
          return container()
        },
      ],
      [
        'a role that the web identity does not get',
        'The token is not valid.',
        () => ({
          AWS_WEB_IDENTITY_TOKEN_FILE: home('web-identity', 'hunter2'),
          AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/ci-reader',
          AWS_ENDPOINT_URL_STS: lab.identity.url,
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
          lab.identity.silent = true
          return { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: lab.identity.url }
        },
      ],
      [
        'a profile that there is not, even where the machine has an identity',
        'the shared config files have no profile nosuch',
        () => ({ ...container(), AWS_PROFILE: 'nosuch' }),
      ],
      [
        'a command that fails',
        'its credential_process failed, or printed no valid credentials',
        () => ofProfile('credential_process = sh -c "echo hunter2 >&2; exit 3"'),
      ],
      [
        'a profile with nothing but a region',
        'none in its settings; for a public bucket set anonymous: true',
        () => ofProfile('region = eu-west-1'),
      ],
      [
        'a profile with half a key',
        'it has aws_access_key_id without aws_secret_access_key',
        () => ofProfile('aws_access_key_id = AKIA1'),
      ],
      [
        'the default profile with half a key',
        'it has aws_secret_access_key without aws_access_key_id',
        () => {
          home('.aws/credentials', '[default]\naws_secret_access_key = hunter2\n')
          return {}
        },
      ],
      [
        'a single sign-on of a session that is described nowhere',
        'there is no sso-session lab',
        () => ofProfile(`sso_session = lab\n${ssoProfile}`),
      ],
      ['a role without a source', 'it has role_arn without source_profile or credential_source', () => ofProfile(role)],
      [
        'a role of a profile that there is not',
        'there is no source_profile base',
        () => ofProfile(`${role}source_profile = base`),
      ],
      [
        'a role of a profile without keys',
        'its source_profile base gives no credentials',
        () => ofProfile(`${role}source_profile = base\n[profile base]\nregion = eu-west-1`),
      ],
      [
        'half a key in the environment',
        'AWS_SECRET_ACCESS_KEY is not set',
        () => ({ AWS_ACCESS_KEY_ID: 'AKIA1', AWS_SECRET_ACCESS_KEY: '' }),
      ],
    ]
    for (const [name, message, set] of failures) {
      it(`missing AWS credentials end with exit code 7 and one line: ${name}`, async () => {
        const env = set()
        const { code, stderr } = await fetching(env)
        const of = env.AWS_PROFILE === undefined ? '' : ` of profile ${env.AWS_PROFILE}`
        assert.deepEqual([code, stderr], [7, `kiss: s3: bucket lkft: no AWS credentials${of}: ${message}\n`])
        assert.equal(lab.server.requests.length, 0)
        assert.deepEqual(await filesWith(lab.sandbox.cacheDir, ['hunter2']), [])
      })
    }
  })
})
