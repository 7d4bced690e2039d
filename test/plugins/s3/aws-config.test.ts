import assert from 'node:assert/strict'
import { awsConfig, readShared, sharedFiles, type Env } from '#s3/aws-config.js'
import { parseIni } from '#s3/ini.js'
import { bareEnv, withSharedFiles } from './harness.js'

const config = `
# a comment
[default]
region = eu-west-1 ; where we are
services = lab

[profile ci]
region=us-east-2
endpoint_url = http://ci.lab:9000
s3 =
  addressing_style = virtual
  max_concurrent_requests = 20
use_dualstack_endpoint = true

[profile "two words"]
region = ap-south-1

[services lab]
dynamodb =
    endpoint_url = http://dynamo.lab
s3 =
    endpoint_url = http://minio.lab:9000

[profile off]
endpoint_url = http://off.lab
ignore_configured_endpoint_urls = true
`

const credentials = `
[ci]
aws_access_key_id = A
aws_secret_access_key = b
[only-here]
region = sa-east-1
`

describe('settings of AWS', () => {
  const read = (profile?: string, more: Env = {}) =>
    withSharedFiles({ config, credentials }, (env) =>
      awsConfig({ ...env, ...more }, readShared(sharedFiles(env)), profile),
    )

  it('come from the default profile, its services first', async () => {
    const { region, endpoint } = await read()
    assert.deepEqual([region, endpoint], ['eu-west-1', 'http://minio.lab:9000'])
  })

  it('come from the profile that AWS_PROFILE names', async () => {
    const { region, endpoint, addressing, dualstack } = await read(undefined, { AWS_PROFILE: 'ci' })
    assert.deepEqual([region, endpoint, addressing, dualstack], ['us-east-2', 'http://ci.lab:9000', 'virtual', true])
    assert.equal((await read(undefined, { AWS_PROFILE: 'only-here' })).region, 'sa-east-1')
    assert.equal((await read(undefined, { AWS_PROFILE: 'two words' })).region, 'ap-south-1')
  })

  it('come from the environment first: S3 before all services, before the file', async () => {
    const env = { AWS_REGION: 'eu-north-1', AWS_ENDPOINT_URL: 'http://all', AWS_USE_FIPS_ENDPOINT: 'true' }
    const all = await read(undefined, env)
    assert.deepEqual([all.region, all.endpoint, all.fips], ['eu-north-1', 'http://all', true])
    assert.equal((await read(undefined, { ...env, AWS_ENDPOINT_URL_S3: 'http://s3' })).endpoint, 'http://s3')
    assert.equal((await read(undefined, { AWS_DEFAULT_REGION: 'eu-north-1' })).region, 'eu-north-1')
  })

  it('come from a profile that was chosen for a bucket before the environment', async () => {
    const { region, endpoint } = await read('ci', { AWS_REGION: 'eu-north-1', AWS_ENDPOINT_URL: 'http://all' })
    assert.deepEqual([region, endpoint], ['us-east-2', 'http://ci.lab:9000'])
  })

  it('leave endpoints out when told to', async () => {
    assert.equal((await read(undefined, { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' })).endpoint, undefined)
    assert.equal((await read('off')).endpoint, undefined)
  })

  it('are none where there are no files', () => {
    const { region, endpoint } = awsConfig(bareEnv, readShared(sharedFiles(bareEnv)), 'nobody')
    assert.deepEqual([region, endpoint], [undefined, undefined])
  })

  it('are looked for where every AWS tool does', () => {
    assert.deepEqual(sharedFiles({ HOME: '/home/ci' }), {
      config: '/home/ci/.aws/config',
      credentials: '/home/ci/.aws/credentials',
    })
  })

  it('survive what no tool would write', () => {
    const odd = parseIni('stray = 1\n[a\n[]\n[b]\n=\n==\n x = 1\nn =\n\n  k = v\n[b]\nx = 2\n\r\n[c]\r\ny = 3\r\n')
    assert.equal(odd.get('b')?.get('n.k'), 'v')
    assert.equal(odd.get('b')?.get('x'), '2')
    assert.equal(odd.get('c')?.get('y'), '3')
  })
})
