import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { bytes } from '../../support/bytes.js'
import { Sandbox, type Ran, type Command } from '../../support/cli.js'
import { S3Server, type S3Key } from '../../support/s3-server.js'
import { environmentFor, keys, withoutAmbientCredentials } from './harness.js'

const alice: S3Key = { accessKeyId: 'AKIAALICE', secretAccessKey: 'secret+of/alice' }
const bob: S3Key = { accessKeyId: 'AKIABOB', secretAccessKey: 'secret+of/bob' }

describe('kiss with S3, as a program', () => {
  withoutAmbientCredentials()
  const body = bytes('kernel', 300_000)
  let sandbox: Sandbox
  let server: S3Server
  let kiss: Command | undefined
  beforeEach(async () => {
    sandbox = new Sandbox()
    server = await S3Server.start({ keys: [keys, alice, bob] })
    server.bucket('lkft').bucket('other').bucket('open', { public: true })
    for (const bucket of ['lkft', 'other', 'open']) server.put(bucket, 'builds/Image.gz', body)
  })
  afterEach(async () => {
    kiss?.child.kill('SIGTERM')
    await kiss?.ended
    kiss = undefined
    await server.close()
    sandbox.remove()
  })

  const fetching = (args: string[], env: Record<string, string | undefined> = {}): Promise<Ran> =>
    sandbox.run(['fetch', ...args], { env: { ...environmentFor(server), ...env } })
  /** Starts `kiss serve`; returns a function that asks it for a URL. */
  const serve = async (args: string[], env: Record<string, string> = {}) => {
    kiss = sandbox.startServer(['--port', '0', ...args], { env: { ...environmentFor(server), ...env } })
    const [line] = (await once(kiss.child.stdout, 'data')) as [string]
    const root = line.trim()
    return {
      root,
      ask: (url: string): Promise<Response> => fetch(`${root}api/v1/fetch?url=${encodeURIComponent(url)}`),
    }
  }
  const presign = (key: S3Key): Promise<string> => {
    const config = { region: 'us-east-1', endpoint: server.endpoint, forcePathStyle: true, credentials: key }
    return getSignedUrl(new S3Client(config), new GetObjectCommand({ Bucket: 'lkft', Key: 'builds/Image.gz' }))
  }
  const loopback = ['--allow-upstream', '127.0.0.0/8']

  it('asks for exactly the key that a URL names, and refuses a key that no URL can hold', async () => {
    const names = ['/lead', 'a//b', 'folder/', 'blank ', '100%', 'a\\b', 'a+b', '...', 'x']
    for (const name of names) server.put('lkft', name, Buffer.from(`the object ${name}`))
    const { ask } = await serve(loopback, { KISS_S3_BUCKETS: 'lkft' })
    for (const name of names) assert.equal(await (await ask(`s3://lkft/${name}`)).text(), `the object ${name}`)
    const fetched = await fetching(['s3://lkft//lead', '-o', '-'])
    assert.deepEqual([fetched.code, fetched.stdout], [0, 'the object /lead'])
    const asked = server.requests.length
    for (const name of ['a/../x', 'a/%2E%2E/x', './x', 'a/..', 'a%2F..%2Fx', 'x#y', 'x?']) {
      assert.equal((await ask(`s3://lkft/${name}`)).status, 400, name)
    }
    const url = 's3://lkft/a/%2e%2E/x'
    for (const args of [
      ['fetch', '-o', '-', url],
      ['s3', 'presign', url],
      ['s3', 'ls', url],
    ]) {
      const { code, stdout } = await sandbox.run(args, { env: environmentFor(server) })
      assert.deepEqual([code, stdout], [2, ''], args.join(' '))
    }
    assert.equal(server.requests.length, asked)
  })

  it('fetches s3:// URLs, once', async () => {
    const { code, stderr } = await fetching(['s3://lkft/builds/Image.gz'])
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(readFileSync(path.join(sandbox.cwd, 'Image.gz')), body)
    assert.equal((await fetching(['s3://lkft/builds/Image.gz', '--offline', '-o', 'again'])).code, 0)
    assert.equal(server.requests.length, 1)
  })

  it('exits 3 with one clear line when S3 says no', async () => {
    const missing = await fetching(['s3://lkft/builds/none'])
    assert.equal(missing.code, 3)
    assert.match(missing.stderr, /s3: bucket lkft, key builds\/none: NoSuchKey\n$/)
    const wrong = await fetching(['s3://lkft/builds/Image.gz'], { AWS_SECRET_ACCESS_KEY: 'wrong' })
    assert.equal(wrong.code, 3)
    assert.match(wrong.stderr, /s3: bucket lkft, key builds\/Image\.gz: SignatureDoesNotMatch\n$/)
    assert.equal(server.requests.length, 2, 'each was asked for once')
    const web = await fetching([`${server.endpoint}/lkft/builds/Image.gz`, '--refresh'], {
      AWS_SECRET_ACCESS_KEY: 'no',
    })
    assert.match(web.stderr, /SignatureDoesNotMatch\n$/)
    assert.deepEqual(
      server.requests.slice(2).map(({ code }) => code),
      ['AccessDenied', 'SignatureDoesNotMatch'],
    )
  })

  it('exits 2 for a URL that names no object, and says what to write', async () => {
    const { code, stderr } = await fetching(['s3://lkft/builds/a?b'])
    const said =
      'cannot fetch s3://lkft/builds/a?…: s3: that is no object; write s3://bucket/key, and a ? within a key as %3F'
    assert.deepEqual([code, stderr], [2, `kiss: ${said}\n`])
  })

  it('exits 7 where no credential could be made, and sends no request', async () => {
    const { code, stderr } = await fetching(['s3://lkft/builds/Image.gz'], { AWS_ACCESS_KEY_ID: undefined })
    assert.equal(code, 7)
    assert.match(stderr, /bucket lkft: no AWS credentials: /)
    assert.equal(server.requests.length, 0)
  })

  it('exits 7 for an endpoint that is no URL, and asks no other', async () => {
    const { code, stderr } = await fetching(['s3://lkft/builds/Image.gz'], { AWS_ENDPOINT_URL: 'minio:9000' })
    assert.equal(code, 7)
    assert.match(stderr, /^kiss: s3: bucket lkft: its endpoint is no http or https URL; write it as http:/)
  })

  it('takes settings from the configuration file, and exits 2 for wrong ones, naming the plugin', async () => {
    const credentials = path.join(sandbox.home, 'credentials')
    writeFileSync(
      credentials,
      `[lab]\naws_access_key_id = ${alice.accessKeyId}\naws_secret_access_key = ${alice.secretAccessKey}\n`,
    )
    writeFileSync(
      sandbox.configFile,
      `s3:\n  buckets:\n    lkft:\n      endpoint: ${server.endpoint}\n      profile: lab\n`,
    )
    const env = {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_ENDPOINT_URL: undefined,
      AWS_SHARED_CREDENTIALS_FILE: credentials,
    }
    assert.equal((await fetching(['s3://lkft/builds/Image.gz'], env)).code, 0)
    writeFileSync(sandbox.configFile, 's3:\n  share: some\n')
    const { code, stderr } = await fetching(['s3://lkft/builds/Image.gz'])
    assert.equal(code, 2)
    assert.match(stderr, /@kiss\/s3: .*s3\.share must be all, probe or never/)
  })

  it('serves s3:// URLs of buckets that it lends its credentials for, and of public ones', async () => {
    const { ask } = await serve(loopback, { KISS_S3_BUCKETS: 'lkft' })
    const lent = await ask('s3://lkft/builds/Image.gz')
    assert.deepEqual([lent.status, Buffer.from(await lent.arrayBuffer())], [200, body])
    assert.equal((await ask('s3://open/builds/Image.gz')).status, 200)
    const no = await ask('s3://other/builds/Image.gz')
    assert.equal(no.status, 403)
    const problem = (await no.json()) as { code: string; detail: string }
    assert.equal(problem.code, 'origin-refused')
    assert.match(problem.detail, /s3: bucket other, key builds\/Image\.gz: AccessDenied/)
  })

  it('keeps no copy of what it lent its credentials for where that is set, and one of what is public', async () => {
    writeFileSync(sandbox.configFile, 's3:\n  share: never\n  lend: [lkft, other]\n  buckets: {other: {share: all}}\n')
    const { ask } = await serve(loopback)
    const statuses: Record<string, (string | undefined)[]> = {}
    for (const bucket of ['lkft', 'open', 'other']) {
      for (let n = 0; n < 2; n++) {
        const answer = await ask(`s3://${bucket}/builds/Image.gz`)
        assert.deepEqual(Buffer.from(await answer.arrayBuffer()), body)
        const [, how] = /^kiss; ([a-z]+)/.exec(answer.headers.get('cache-status') ?? '') ?? []
        statuses[bucket] = [...(statuses[bucket] ?? []), how]
      }
    }
    assert.deepEqual(statuses, { lkft: ['fwd', 'fwd'], open: ['fwd', 'hit'], other: ['fwd', 'hit'] })
  })

  it('guards the addresses behind s3:// as it guards all others', async () => {
    const { ask } = await serve([], { KISS_S3_BUCKETS: '*' })
    const { status, headers } = await ask('s3://lkft/builds/Image.gz')
    assert.deepEqual([status, headers.get('content-type')], [403, 'application/problem+json'])
    assert.equal(server.requests.length, 0)
  })

  it('serves an artifact that one signature fetched to another one, and not without', async () => {
    const { ask } = await serve(loopback)
    const first = await ask(await presign(alice))
    assert.deepEqual(Buffer.from(await first.arrayBuffer()), body)
    const second = await ask(await presign(bob))
    assert.deepEqual(Buffer.from(await second.arrayBuffer()), body)
    assert.match(second.headers.get('cache-status') ?? '', /^kiss; hit; detail=authorised/)
    assert.equal(second.headers.get('cache-control'), 'private, no-store')
    assert.equal((await ask('s3://lkft/builds/Image.gz')).status, 403)
    assert.equal(server.requests.filter(({ status }) => status === 200).length, 1)
  })

  it('shows no key, no token and no signature: not on disk, in logs, errors or pages', async () => {
    const token = 'the+session/token=='
    const { root, ask } = await serve([...loopback, '--log-level', 'trace'], {
      AWS_SESSION_TOKEN: token,
      KISS_S3_BUCKETS: '*',
    })
    const signed = await presign(alice)
    const tampered = new URL(signed)
    tampered.searchParams.set('X-Amz-Signature', 'feed'.repeat(16))
    const answers: string[] = []
    for (const url of [signed, tampered.href, 's3://lkft/builds/Image.gz', 's3://user:hunter2@lkft/builds/Image.gz']) {
      const answer = await ask(url)
      if (answer.status !== 200) answers.push(await answer.text())
      answers.push(JSON.stringify([...answer.headers]))
    }
    assert.ok(answers.length > 4, 'some were refused')
    for (const page of [
      '',
      'api/v1/status/',
      'metrics',
      'statistics/',
      'resources/successes/',
      'resources/failures/',
    ]) {
      answers.push(await (await fetch(root + page)).text())
    }
    kiss?.child.kill('SIGTERM')
    const { stdout, stderr } = (await kiss?.ended) ?? assert.fail('it runs')
    const fetched = await fetching([tampered.href, '--json'], { AWS_SESSION_TOKEN: token })
    assert.equal(fetched.code, 3)
    const disk = readdirSync(sandbox.cacheDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'latin1'))
    assert.ok(disk.length >= 3 && stderr.length > 500)
    // What the client asked for is the client's own: an access key id is not in it, nor anything that signs.
    const places = [...answers, stdout, stderr, fetched.stdout, fetched.stderr, ...disk]
    const signature = new URL(signed).searchParams.get('X-Amz-Signature') ?? assert.fail('it is signed')
    for (const secret of [
      keys.secretAccessKey,
      token,
      alice.secretAccessKey,
      signature,
      'feed'.repeat(16),
      'hunter2',
      keys.accessKeyId,
      alice.accessKeyId,
    ]) {
      const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '')
      for (const form of [secret, encodeURIComponent(secret), base64]) {
        assert.ok(!places.some((place) => place.includes(form)), `${form} is shown`)
      }
    }
  })
})
