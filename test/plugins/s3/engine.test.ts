import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { KissError } from '#kiss/errors.js'
import type { Engine } from '#kiss/engine/types.js'
import { plainProvider } from '#kiss/provider/owner.js'
import { createS3Provider, createS3Providers } from '#s3/provider.js'
import type { Env } from '#s3/aws-config.js'
import { bytes } from '../../support/bytes.js'
import { fetchAll, testEngines } from '../../support/engine.js'
import { S3Server, type S3Key } from '../../support/s3-server.js'
import { bareEnv, keyEnv, keys, withoutAmbientCredentials, withSharedFiles } from './harness.js'

const HOUR = 3_600_000
const MiB = 1024 * 1024

/** Fifty users, each with a key of their own. */
const users: S3Key[] = Array.from({ length: 50 }, (_, i) => ({
  accessKeyId: `AKIAUSER${String(i).padStart(2, '0')}`,
  secretAccessKey: `secret-of-user-${i}/+`,
}))

describe('kiss and S3', () => {
  withoutAmbientCredentials()
  const engines = testEngines()
  const body = bytes('image', 2 * MiB)
  let server: S3Server
  /** The time of S3, and of the provider's clock. */
  let now: number
  beforeEach(async () => {
    now = Date.now()
    server = await S3Server.start({ keys: [keys, ...users], now: () => now })
    server.bucket('lkft').bucket('irish', { region: 'eu-west-1' }).bucket('open', { public: true })
    for (const bucket of ['lkft', 'irish', 'open']) server.put(bucket, 'builds/Image.gz', body)
  })
  afterEach(() => server.close())

  interface Setting {
    readonly env?: Env
    readonly serving?: boolean
    readonly section?: object
  }
  const open = ({ env = keyEnv, serving = false, section }: Setting = {}): Promise<Engine> => {
    const endpoint = { AWS_ENDPOINT_URL: server.endpoint }
    const providers = createS3Providers({ env: { ...env, ...endpoint }, serving, section, now: () => now })
    return engines.engine({ providers: [...providers, plainProvider] })
  }
  const presign = (key: S3Key, expiresIn = 900): Promise<string> => {
    const config = { region: 'us-east-1', endpoint: server.endpoint, forcePathStyle: true, credentials: key }
    const wanted = new GetObjectCommand({ Bucket: 'lkft', Key: 'builds/Image.gz' })
    return getSignedUrl(new S3Client(config), wanted, { expiresIn, signingDate: new Date(now) })
  }
  const plainUrl = (bucket = 'lkft'): string => `${server.endpoint}/${bucket}/builds/Image.gz`
  /** Answers with more than the one byte that a question about a right may take. */
  const bodies = () =>
    server.requests.filter(
      ({ status, headers }) => (status === 200 || status === 206) && headers['range'] !== 'bytes=0-0',
    )
  const refusal = (code: string, message: RegExp, status?: number) => (error: unknown) =>
    error instanceof KissError &&
    error.code === code &&
    message.test(error.message) &&
    (status === undefined || error.status === status)

  it('fetch an object once, however it is written', async () => {
    const kiss = await open()
    assert.ok((await fetchAll(kiss, 's3://lkft/builds/Image.gz')).body.equals(body))
    for (const url of ['s3://lkft/builds%2FImage.gz?region=us-east-1', plainUrl()]) {
      assert.equal((await fetchAll(kiss, url)).as, 'hit', url)
    }
    assert.equal(server.requests.length, 1)
  })

  it('find the region of a bucket', async () => {
    assert.ok((await fetchAll(await open(), 's3://irish/builds/Image.gz')).body.equals(body))
    assert.deepEqual(
      server.requests.map(({ status }) => status),
      [400, 200],
    )
  })

  it('go on by range with a new signature when the old one is over in mid-download', async () => {
    server.cutNext(600_000, () => (now += HOUR))
    const kiss = await open()
    assert.ok((await fetchAll(kiss, 's3://lkft/builds/Image.gz')).body.equals(body))
    const [first, second] = server.requests
    assert.deepEqual([server.requests.length, second?.status, second?.headers['range']], [2, 206, 'bytes=600000-'])
    assert.notEqual(first?.headers['x-amz-date'], second?.headers['x-amz-date'])
    assert.equal((await kiss.status()).counts.downloaded, body.length)
  })

  it('go on by range with a new session when the old one is over in mid-download', async () => {
    const session = (n: number): S3Key & { expired: boolean } => ({
      accessKeyId: `ASIA${n}`,
      secretAccessKey: `session-secret-${n}`,
      sessionToken: `token-${n}`,
      expired: false,
    })
    const [one, two] = [session(1), session(2)]
    const other = await S3Server.start({ keys: [one, two] })
    try {
      other.bucket('lkft').put('lkft', 'key', body)
      await withSharedFiles({}, async (env) => {
        const file = env['AWS_SHARED_CREDENTIALS_FILE'] ?? ''
        const json = (key: S3Key): string =>
          JSON.stringify({
            ...{ Version: 1, AccessKeyId: key.accessKeyId, SecretAccessKey: key.secretAccessKey },
            SessionToken: key.sessionToken,
          })
        const handed = path.join(path.dirname(file), 'session.json')
        await writeFile(handed, json(one))
        await writeFile(env['AWS_CONFIG_FILE'] ?? '', `[profile made]\ncredential_process = cat ${handed}\n`)
        const made = createS3Provider({
          env: { ...env, AWS_ENDPOINT_URL: other.endpoint },
          section: { buckets: { lkft: { profile: 'made' } } },
          serving: false,
        })
        await writeFile(`${handed}.next`, json(two))
        other.cutNext(MiB, () => {
          one.expired = true
          renameSync(`${handed}.next`, handed)
        })
        const kiss = await engines.engine({ providers: [made] })
        assert.ok((await fetchAll(kiss, 's3://lkft/key')).body.equals(body))
        const seen = other.requests.map(({ status, code, headers }) => [status, code, headers['x-amz-security-token']])
        assert.deepEqual(seen, [
          [200, undefined, 'token-1'],
          [400, 'ExpiredToken', 'token-1'],
          [206, undefined, 'token-2'],
        ])
      })
    } finally {
      await other.close()
    }
  })

  it('keep one copy for two signatures of one object, and prove each', async () => {
    const kiss = await open({ serving: true })
    const [mine, yours] = [await presign(users[0]!), await presign(users[1]!)]
    assert.equal((await fetchAll(kiss, mine)).as, 'miss')
    const again = await fetchAll(kiss, yours)
    assert.deepEqual([again.as, again.artifact.private, again.artifact.detail], ['hit', true, 'authorised'])
    assert.ok(again.body.equals(body))
    assert.deepEqual(
      server.requests.map(({ status, by }) => [status, by]),
      [
        [200, 'query'],
        [304, 'query'],
      ],
    )
  })

  it('prove a right of its own too, with the signature that the first refusal asks for', async () => {
    const kiss = await open()
    await fetchAll(kiss, await presign(users[0]!))
    const [plain, typed] = [await fetchAll(kiss, plainUrl()), await fetchAll(kiss, 's3://lkft/builds/Image.gz')]
    assert.deepEqual([plain.as, plain.artifact.detail, typed.as], ['hit', 'authorised', 'hit'])
    assert.deepEqual(server.requests.map(({ method, status, by }) => [method, status, by]).slice(0, 3), [
      ['GET', 200, 'query'],
      ['HEAD', 403, 'nobody'],
      ['HEAD', 304, 'header'],
    ])
  })

  it('give fifty users with fifty signatures one download', async () => {
    const kiss = await open({ serving: true })
    const urls = await Promise.all(users.map((user) => presign(user)))
    const all = await Promise.all(urls.map((url) => fetchAll(kiss, url)))
    assert.ok(all.every((one) => one.body.equals(body)))
    assert.equal(bodies().length, 1)
    assert.equal((await kiss.status()).counts.downloaded, body.length)
  })

  it('give nothing for a signature that is wrong, over, or not there', async () => {
    const kiss = await open({ serving: true })
    const [good, late] = [await presign(users[0]!), await presign(users[1]!, 60)]
    await fetchAll(kiss, good)
    const bad = new URL(await presign(users[2]!))
    bad.searchParams.set('X-Amz-Signature', '0'.repeat(64))
    now += 61_000
    const says = (code: string): RegExp => new RegExp(`: s3: bucket lkft, key builds/Image.gz: ${code}$`)
    await assert.rejects(fetchAll(kiss, bad.href), refusal('origin-refused', says('SignatureDoesNotMatch'), 403))
    await assert.rejects(fetchAll(kiss, late), refusal('origin-refused', says('AccessDenied'), 403))
    // These are probed by HEAD, to which S3 gives no reason.
    await assert.rejects(fetchAll(kiss, plainUrl()), refusal('origin-refused', says('status 403'), 403))
    await assert.rejects(
      fetchAll(kiss, 's3://lkft/builds/Image.gz'),
      refusal('origin-refused', says('status 403'), 403),
    )
  })

  it('cut a reader short whose own signature is over in mid-download, and say so', async () => {
    const url = await presign(users[0]!)
    server.cutNext(600_000, () => (now += HOUR))
    const kiss = await open()
    await assert.rejects(
      fetchAll(kiss, url),
      refusal('origin-refused', /bucket lkft, key builds\/Image\.gz: AccessDenied$/),
    )
    assert.deepEqual(
      server.requests.map(({ status }) => status),
      // The rest and, once, the whole.
      [200, 403, 403],
    )
  })

  it('serve what the server lent its credentials for to everybody, and nothing else', async () => {
    const kiss = await open({ serving: true, env: { ...keyEnv, KISS_S3_BUCKETS: 'lkft' } })
    const first = await fetchAll(kiss, 's3://lkft/builds/Image.gz')
    assert.deepEqual([first.as, first.artifact.private], ['miss', false])
    assert.equal((await fetchAll(kiss, plainUrl())).as, 'hit')
    await assert.rejects(fetchAll(kiss, 's3://irish/builds/Image.gz'), refusal('origin-refused', /AccessDenied/, 403))
    assert.ok((await fetchAll(kiss, 's3://open/builds/Image.gz')).body.equals(body))
  })

  it('keep what the server lent its credentials for private when the settings say so', async () => {
    const section = { lend: ['lkft'], share: 'probe' }
    const kiss = await open({ serving: true, section })
    const denied = refusal('origin-refused', /AccessDenied|status 403/, 403)
    await assert.rejects(fetchAll(kiss, 's3://lkft/builds/Image.gz'), denied)
    assert.equal((await fetchAll(kiss, await presign(users[0]!))).artifact.private, true)
    assert.equal((await fetchAll(kiss, await presign(users[1]!))).as, 'hit')
    await assert.rejects(fetchAll(kiss, 's3://lkft/builds/Image.gz'), denied)
    const never = await open({ serving: true, section: { ...section, share: 'never' } })
    await fetchAll(never, 's3://lkft/builds/Image.gz')
    assert.equal((await never.status()).entries, 0)
  })

  it('share what anybody can fetch with everybody, whatever is set for what they lend', async () => {
    const kiss = await open({ serving: true, section: { lend: ['lkft'], share: 'probe' } })
    const first = await fetchAll(kiss, plainUrl('open'))
    assert.deepEqual([first.as, first.artifact.private], ['miss', false])
    assert.equal((await fetchAll(kiss, 's3://open/builds/Image.gz')).as, 'hit')
    assert.equal(server.requests.length, 1)
  })

  it('ask for what anybody can fetch without parameters that do not name it, so that nobody spoils it for others', async () => {
    const kiss = await open({ serving: true, env: bareEnv })
    for (const query of ['response-content-type=text/html', 'X-Amz-Algorithm=none', 'x-id=GetObject']) {
      await fetchAll(kiss, `${plainUrl('open')}?${query}`)
      await kiss.purge({ all: true })
    }
    const asked = server.requests.map(({ url }) => url)
    assert.deepEqual(asked, Array(3).fill('/open/builds/Image.gz'))
  })

  it('share each bucket as it is set', async () => {
    const buckets = { irish: { share: 'never' }, open: { share: 'probe' } }
    const kiss = await open({ serving: true, section: { lend: ['*'], buckets } })
    for (const as of ['miss', 'hit']) assert.equal((await fetchAll(kiss, 's3://lkft/builds/Image.gz')).as, as)
    for (const as of ['miss', 'miss']) assert.equal((await fetchAll(kiss, 's3://irish/builds/Image.gz')).as, as)
    const probed = await fetchAll(kiss, 's3://open/builds/Image.gz')
    assert.deepEqual([probed.artifact.private, server.requests.at(-1)?.by], [false, 'nobody'])
    assert.equal((await kiss.status()).entries, 2)
  })

  it('fail with a credential error where there is no credential', async () => {
    const kiss = await open({ env: bareEnv })
    await assert.rejects(fetchAll(kiss, 's3://lkft/builds/Image.gz'), (error) => {
      return (
        error instanceof KissError && error.exit === 7 && /s3: bucket lkft: no AWS credentials: /.test(error.message)
      )
    })
    assert.equal(server.requests.length, 0)
  })

  it('drop what S3 no longer has', async () => {
    const kiss = await open()
    await assert.rejects(fetchAll(kiss, 's3://lkft/gone'), refusal('origin-refused', /key gone: NoSuchKey$/, 404))
    await assert.rejects(fetchAll(kiss, 's3://nowhere/key'), refusal('origin-refused', /key key: NoSuchBucket$/, 404))
  })

  it('ask again when S3 is busy', async () => {
    for (let i = 0; i < 3; i++) server.refuseNext({ status: 503, code: 'SlowDown', message: 'Slow down.' })
    assert.ok((await fetchAll(await open(), 's3://lkft/builds/Image.gz')).body.equals(body))
    assert.equal(server.requests.length, 4)
  })
})
