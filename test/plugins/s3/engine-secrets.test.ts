import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { openEngine } from '#kiss/engine/open.js'
import type { UpstreamProvider } from '#kiss/provider/types.js'
import { createS3Provider } from '#s3/provider.js'
import { bytes } from '../../support/bytes.js'
import { fetchAll, testEngines } from '../../support/engine.js'
import { S3Server } from '../../support/s3-server.js'
import { keyEnv, keys, withoutAmbientCredentials } from './harness.js'

/** A user with a key of their own. */
const user = { accessKeyId: 'AKIAUSER00', secretAccessKey: 'secret-of-user-0/+' }

describe('kiss and S3, with secrets,', () => {
  withoutAmbientCredentials()
  const engines = testEngines()
  let server: S3Server
  beforeEach(async () => {
    server = await S3Server.start({ keys: [keys, user] })
    server.bucket('lkft').bucket('irish', { region: 'eu-west-1' }).bucket('open', { public: true })
    for (const bucket of ['lkft', 'irish', 'open']) server.put(bucket, 'builds/Image.gz', bytes('image', 300_000))
  })
  afterEach(() => server.close())

  const provider = ({ env = keyEnv } = {}): UpstreamProvider =>
    createS3Provider({ env: { ...env, AWS_ENDPOINT_URL: server.endpoint }, serving: false })
  const presign = (): Promise<string> => {
    const config = { region: 'us-east-1', endpoint: server.endpoint, forcePathStyle: true, credentials: user }
    const wanted = new GetObjectCommand({ Bucket: 'lkft', Key: 'builds/Image.gz' })
    return getSignedUrl(new S3Client(config), wanted)
  }

  it('write no key, no token and no signature to the disk', async () => {
    const cacheDir = await engines.folder()
    const env = { ...keyEnv, AWS_SESSION_TOKEN: 'the+session/token==' }
    const signed = await presign()
    const signature = new URL(signed).searchParams.get('X-Amz-Signature') ?? ''
    const options = { cacheDir, upstream: { guard: false, env: {} } }
    const kiss = await openEngine({ ...options, providers: [provider()] })
    await fetchAll(kiss, signed)
    await fetchAll(kiss, 's3://lkft/builds/Image.gz')
    await fetchAll(kiss, 's3://open/builds/Image.gz')
    await kiss.close()
    server.bucket('irish', { region: 'none-1' })
    const tokened = await openEngine({ ...options, providers: [provider({ env })] })
    await assert.rejects(fetchAll(tokened, 's3://irish/builds/Image.gz'))
    const { failures } = await tokened.status()
    await tokened.close()
    const secrets = [keys.accessKeyId, keys.secretAccessKey, 'the+session/token==', signature, user.accessKeyId]
    const forms = secrets.flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    ])
    const files = (await readdir(cacheDir, { recursive: true, withFileTypes: true })).filter((file) => file.isFile())
    assert.ok(files.length >= 3)
    for (const file of files) {
      const content = await readFile(path.join(file.parentPath, file.name))
      for (const form of forms) assert.ok(!content.includes(form), `${file.name} holds a secret`)
    }
    for (const form of forms) assert.ok(!JSON.stringify(failures).includes(form), 'a failure shows a secret')
  })
})
