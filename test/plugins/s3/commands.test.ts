import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Sandbox, project, type Ran } from '../../support/cli.js'
import { S3Server } from '../../support/s3-server.js'
import { environmentFor, keys } from './harness.js'

const oddKeys = ['a/1', 'a/2', 'with blank', 'plus+sign', 'ü/日本', 'a&b<c>', '100%', 'q?u#e']

describe('kiss s3', () => {
  let sandbox: Sandbox
  let server: S3Server
  beforeEach(async () => {
    sandbox = new Sandbox()
    server = await S3Server.start({ keys: [keys] })
    server.bucket('lkft').bucket('irish', { region: 'eu-west-1' }).bucket('open', { public: true })
    for (const key of oddKeys) server.put('lkft', key, `body of ${key}`)
    server.put('irish', 'key', 'content')
    server.put('open', 'key', 'content')
  })
  afterEach(async () => {
    await server.close()
    sandbox.remove()
  })

  const run = (args: string[], env: Record<string, string | undefined> = {}): Promise<Ran> =>
    sandbox.run(['s3', ...args], { env: { ...environmentFor(server), ...env } })
  const get = (url: string, method: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request(url, { method }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end()
    })

  describe('presign', () => {
    it('prints a URL that reads the object, for its method alone', async () => {
      for (const key of ['a/1', 'plus+sign', 'ü/日本']) {
        const { code, stdout, stderr } = await run(['presign', `s3://lkft/${key}`])
        assert.deepEqual([code, stderr], [0, ''])
        assert.deepEqual([await get(stdout.trim(), 'GET'), await get(stdout.trim(), 'HEAD')], [200, 403])
      }
      const head = await run(['presign', 's3://lkft/a/1', '--method', 'HEAD'])
      assert.deepEqual([await get(head.stdout.trim(), 'GET'), await get(head.stdout.trim(), 'HEAD')], [403, 200])
    })

    it('says under --json when it ends', async () => {
      const before = Date.now()
      const { stdout } = await run(['presign', 's3://lkft/a/1', '--expires', '2h', '--json'])
      const { url, method, expiresAt } = JSON.parse(stdout) as Record<'url' | 'method' | 'expiresAt', string>
      assert.deepEqual([method, new URL(url).searchParams.get('X-Amz-Expires')], ['GET', '7200'])
      const end = Date.parse(expiresAt)
      assert.ok(end >= before + 7_200_000 && end <= Date.now() + 7_200_000)
    })

    it('says on stderr when the session ends before', async () => {
      const env = { AWS_SESSION_TOKEN: 't', AWS_CREDENTIAL_EXPIRATION: new Date(Date.now() + 90_000).toISOString() }
      const { code, stderr } = await run(['presign', 's3://lkft/a/1'], env)
      assert.equal(code, 0)
      assert.match(stderr, /^kiss: the session that signed it ends in 1m \d+s, and the URL with it\n$/)
    })

    it('takes the settings of the bucket', async () => {
      const section =
        's3:\n  buckets:\n    paid: {region: eu-north-1, requester-pays: true, endpoint: "https://s3.lab"}\n'
      writeFileSync(sandbox.configFile, section)
      const { stdout } = await run(['presign', 's3://paid/key'])
      assert.match(stdout, /^https:\/\/s3\.lab\/paid\/key\?.*x-amz-request-payer=requester/)
      assert.match(stdout, /%2Feu-north-1%2Fs3/)
    })

    const refused: [args: string[], code: number, message: RegExp][] = [
      [['s3://lkft/a/1', '--expires', '8d'], 2, /^kiss: --expires: S3 takes from one second to seven days/],
      [['s3://lkft/a/1', '--expires', 'soon'], 2, /--expires: "soon" is not a duration/],
      [['s3://lkft'], 2, /^kiss: that is no object; write s3:\/\/bucket\/key/],
      [['s3://user:hunter2@lkft/a/1'], 2, /^kiss: an s3:\/\/ URL takes no user and password; kiss signs with [^@]+$/],
      [['https://example.com/x'], 2, /^kiss: that is no object/],
      [['lkft'], 2, /^kiss: "lkft" is not a URL/],
      [['s3://lkft/a?b'], 2, /^kiss: that is no object; write s3:\/\/bucket\/key, and a \? within a key as %3F/],
    ]
    for (const [args, expected, message] of refused) {
      it(`exits ${expected} for ${args.join(' ')}`, async () => {
        const { code, stdout, stderr } = await run(['presign', ...args])
        assert.deepEqual([code, stdout], [expected, ''])
        assert.match(stderr, message)
      })
    }

    it('exits 2 for an endpoint that is no URL, and signs nothing for another one', async () => {
      for (const args of [
        ['presign', 's3://lkft/a/1'],
        ['ls', 's3://lkft'],
      ]) {
        const { code, stdout, stderr } = await run(args, { AWS_ENDPOINT_URL: 'minio:9000' })
        assert.deepEqual([code, stdout], [2, ''])
        assert.match(stderr, /^kiss: s3: bucket lkft: its endpoint is no http or https URL; write it as http:/)
      }
    })

    it('exits 7 where there are no credentials', async () => {
      const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined }
      const { code, stdout, stderr } = await run(['presign', 's3://lkft/a/1'], none)
      assert.deepEqual([code, stdout], [7, ''])
      assert.match(stderr, /^kiss: s3: bucket lkft: no AWS credentials: [^\n]+\n$/)
    })

    it('exits 2, naming the file, for settings that are wrong', async () => {
      writeFileSync(sandbox.configFile, 's3:\n  regoin: x\n')
      const { code, stderr } = await run(['presign', 's3://lkft/a/1'])
      assert.equal(code, 2)
      assert.match(stderr, /config\.yaml: s3: unknown key regoin/)
    })
  })

  describe('ls', () => {
    it('shows one level, with URLs that kiss takes', async () => {
      const { code, stdout, stderr } = await run(['ls', 's3://lkft'])
      assert.deepEqual([code, stderr], [0, ''])
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.trim())
      assert.deepEqual(lines.sort(), [
        '2026-01-02T03:04:05Z      12 B  s3://lkft/100%25',
        '2026-01-02T03:04:05Z      13 B  s3://lkft/q%3Fu%23e',
        '2026-01-02T03:04:05Z      14 B  s3://lkft/a&b<c>',
        '2026-01-02T03:04:05Z      17 B  s3://lkft/plus+sign',
        '2026-01-02T03:04:05Z      18 B  s3://lkft/with blank',
        'PREFIX  s3://lkft/a/',
        'PREFIX  s3://lkft/ü/',
      ])
    })

    it('says on stderr where there is nothing', async () => {
      const { code, stdout, stderr } = await run(['ls', 's3://lkft/none/'])
      assert.deepEqual([code, stdout, stderr], [0, '', 'kiss: there is nothing at s3://lkft/none/\n'])
    })

    it('shows everything below a prefix, page after page', async () => {
      for (let i = 0; i < 2345; i++) server.put('lkft', `many/${String(i).padStart(5, '0')}`, '')
      const { stdout } = await run(['ls', 's3://lkft/many/', '--recursive', '--json'])
      const { objects, prefixes } = JSON.parse(stdout) as { objects: { key: string }[]; prefixes: string[] }
      assert.deepEqual([objects.length, prefixes], [2345, []])
      assert.equal(new Set(objects.map(({ key }) => key)).size, 2345)
      assert.equal(server.requests.length, 3)
    })

    it('gives keys, sizes, times, ETags and URLs under --json', async () => {
      const { stdout } = await run(['ls', 's3://lkft/a/', '--json'])
      assert.deepEqual(JSON.parse(stdout), {
        objects: ['a/1', 'a/2'].map((key) => ({
          key,
          size: 11,
          lastModified: '2026-01-02T03:04:05.000Z',
          etag: `"${createHash('md5').update(`body of ${key}`).digest('hex')}"`,
          url: `s3://lkft/${key}`,
        })),
        prefixes: [],
      })
    })

    it('finds the right region by itself', async () => {
      const { code, stdout } = await run(['ls', 's3://irish'])
      assert.equal(code, 0)
      assert.match(stdout, /s3:\/\/irish\/key\n$/)
    })

    it('asks without a signature where the settings say so', async () => {
      writeFileSync(sandbox.configFile, 's3:\n  anonymous: true\n')
      assert.equal((await run(['ls', 's3://open'])).code, 0)
      assert.equal(server.requests.at(-1)?.by, 'nobody')
    })

    it('asks again when S3 is busy', async () => {
      server.refuseNext({ status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' })
      assert.equal((await run(['ls', 's3://lkft'])).code, 0)
      assert.equal(server.requests.length, 2)
    })

    it('exits 3 with one line when S3 says no', async () => {
      const wrong = await run(['ls', 's3://lkft'], { AWS_SECRET_ACCESS_KEY: 'wrong' })
      assert.deepEqual(
        [wrong.code, wrong.stdout, wrong.stderr],
        [3, '', 'kiss: s3: bucket lkft: SignatureDoesNotMatch\n'],
      )
      const none = await run(['ls', 's3://nowhere', '--json'])
      assert.equal(none.code, 3)
      const { error } = JSON.parse(none.stdout) as { error: { code: string; message: string } }
      assert.deepEqual([error.code, error.message], ['origin-refused', 's3: bucket nowhere: NoSuchBucket'])
    })

    it('exits 4 where nobody answers, 7 without credentials, 2 for what is no bucket', async () => {
      assert.equal((await run(['ls', 's3://lkft'], { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' })).code, 4)
      assert.equal((await run(['ls', 's3://lkft'], { AWS_ACCESS_KEY_ID: undefined })).code, 7)
      assert.equal((await run(['ls', 'https://example.com/'])).code, 2)
      const { code, stderr } = await run(['ls', 's3://user:hunter2@lkft'])
      assert.deepEqual([code, /takes no user and password/.test(stderr), /hunter2/.test(stderr)], [2, true, false])
      assert.equal((await run(['ls'])).code, 2)
    })
  })

  it('is in the manifest as it is in the code', () => {
    const manifest = readFileSync(path.join(project, 'plugins/s3/oclif.manifest.json'), 'utf8')
    const { commands } = JSON.parse(manifest) as { commands: object }
    assert.deepEqual(Object.keys(commands).sort(), ['s3:ls', 's3:presign'])
  })
})
