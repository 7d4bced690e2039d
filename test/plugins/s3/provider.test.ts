import assert from 'node:assert/strict'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { UpstreamProvider } from '#kiss/provider/types.js'
import type { Env } from '#s3/aws-config.js'
import { createS3Provider } from '#s3/provider.js'
import { S3Server, type S3Key } from '../../support/s3-server.js'
import { ask } from './client.js'
import { bareEnv, keyEnv, keys, withoutAmbientCredentials, withSharedFiles } from './harness.js'

const session: S3Key = { accessKeyId: 'ASIASESSION', secretAccessKey: 'session/secret', sessionToken: 'the+token==' }
const oddKeys = [
  'builds/Image.gz',
  'with blank',
  'plus+sign',
  "!'()*~",
  'percent%20sign',
  'ü/日本',
  'a//b',
  'q?u#e&r=y',
]

describe('the S3 provider', () => {
  withoutAmbientCredentials()
  let server: S3Server
  let now: number

  beforeEach(async () => {
    now = Date.now()
    server = await S3Server.start({ keys: [keys, session], now: () => now, hosts: { 's3.test': undefined } })
    server.bucket('lkft').bucket('public', { public: true }).bucket('irish', { region: 'eu-west-1' })
    server.bucket('paid', { requesterPays: true })
    for (const key of oddKeys) server.put('lkft', key, `body of ${key}`)
    for (const bucket of ['public', 'irish', 'paid']) server.put(bucket, 'key', 'content')
  })
  afterEach(() => server.close())

  const make = (options: { env?: Env; serving?: boolean; section?: object | undefined } = {}): UpstreamProvider =>
    createS3Provider({
      env: { ...(options.env ?? keyEnv), AWS_ENDPOINT_URL: server.endpoint },
      serving: options.serving ?? false,
      section: options.section,
      now: () => now,
    })
  const last = () => server.requests.at(-1)
  const plainUrl = (object: string): string => `${server.endpoint}/${object}`

  describe('signs', () => {
    for (const key of oddKeys) {
      it(`for the key ${key}`, async () => {
        const provider = make()
        const url = `s3://lkft/${key.split('/').map(encodeURIComponent).join('/')}`
        assert.equal((await ask(provider, url)).body, `body of ${key}`)
        assert.equal((await ask(provider, provider.cacheKey(new URL(url)).href)).body, `body of ${key}`)
      })
    }

    it('in virtual-host style', async () => {
      const provider = createS3Provider({
        env: { ...keyEnv, AWS_ENDPOINT_URL_S3: 'http://s3.test' },
        section: { addressing: 'virtual' },
        serving: false,
      })
      const { body } = await ask(provider, 's3://lkft/plus+sign', { proxyPort: server.port })
      assert.deepEqual([body, last()?.host], ['body of plus+sign', 'lkft.s3.test'])
    })

    it('HEAD as HEAD, ranges and conditions as they come', async () => {
      const provider = make()
      const url = 's3://lkft/builds/Image.gz'
      const head = await ask(provider, url, { method: 'HEAD' })
      assert.deepEqual([head.status, head.headers['content-length']], [200, '23'])
      const part = await ask(provider, url, { headers: { range: 'bytes=5-6', 'if-range': String(head.headers.etag) } })
      assert.deepEqual([part.status, part.body], [206, 'of'])
      const same = await ask(provider, url, { headers: { 'if-none-match': String(head.headers.etag) } })
      assert.equal(same.status, 304)
      const since = await ask(provider, url, {
        headers: { 'if-modified-since': String(head.headers['last-modified']) },
      })
      assert.equal(since.status, 304)
    })

    it('in headers, so that no URL holds a signature', async () => {
      await ask(make(), 's3://lkft/builds/Image.gz')
      assert.deepEqual([last()?.by, last()?.url], ['header', '/lkft/builds/Image.gz'])
    })

    it('with the token of a session', async () => {
      const env = {
        ...bareEnv,
        AWS_ACCESS_KEY_ID: session.accessKeyId,
        AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
        AWS_SESSION_TOKEN: session.sessionToken,
      }
      assert.equal((await ask(make({ env }), 's3://lkft/builds/Image.gz')).status, 200)
    })

    it('for the version that is asked for', async () => {
      const version = server.put('lkft', 'builds/Image.gz', 'newer')
      assert.equal((await ask(make(), 's3://lkft/builds/Image.gz')).body, 'newer')
      assert.equal((await ask(make(), `s3://lkft/builds/Image.gz?versionId=${version}`)).body, 'newer')
      const first = version.replace('v2', 'v1')
      assert.equal((await ask(make(), `s3://lkft/builds/Image.gz?versionId=${first}`)).body, 'body of builds/Image.gz')
    })

    it('and says who pays', async () => {
      const { said } = await ask(make(), 's3://paid/key')
      assert.equal(said, 's3: bucket paid, key key: AccessDenied')
      assert.equal(
        (await ask(make({ section: { buckets: { paid: { 'requester-pays': true } } } }), 's3://paid/key')).body,
        'content',
      )
    })

    it('with the profile of the bucket', async () => {
      const credentials = `[ci]\naws_access_key_id = ${keys.accessKeyId}\naws_secret_access_key = ${keys.secretAccessKey}\n`
      await withSharedFiles({ credentials }, async (env) => {
        const section = { buckets: { lkft: { profile: 'ci' } } }
        assert.equal((await ask(make({ env, section }), 's3://lkft/builds/Image.gz')).status, 200)
      })
    })
  })

  describe('asks without a signature', () => {
    it('for http URLs, as long as that is enough', async () => {
      const { body, attempts } = await ask(make(), `${server.endpoint}/public/key`)
      assert.deepEqual([body, attempts, last()?.by], ['content', 1, 'nobody'])
    })

    it('for http URLs at first, then with one, which it remembers', async () => {
      const provider = make()
      const first = await ask(provider, `${server.endpoint}/lkft/builds/Image.gz`)
      assert.deepEqual([first.body, first.attempts], ['body of builds/Image.gz', 2])
      assert.equal((await ask(provider, `${server.endpoint}/lkft/plus+sign`)).attempts, 1)
    })

    it('also when several that were sent without one come back refused', async () => {
      const provider = make()
      const answers = await Promise.all(
        oddKeys.map((key) => ask(provider, `${server.endpoint}/lkft/${encodeURIComponent(key)}`)),
      )
      assert.deepEqual(
        answers.map(({ body }) => body),
        oddKeys.map((key) => `body of ${key}`),
      )
    })

    it('for http URLs where there are no credentials: the answer is the own one of S3', async () => {
      const { status, meaning, said, attempts } = await ask(make({ env: bareEnv }), plainUrl('lkft/builds/Image.gz'))
      assert.deepEqual([status, meaning, attempts], [403, 'denied', 2])
      assert.equal(said, 's3: bucket lkft, key builds/Image.gz: AccessDenied')
    })

    it('of public objects, whatever state the credentials are in', async () => {
      const env = { ...keyEnv, AWS_SECRET_ACCESS_KEY: 'wrong' }
      assert.equal((await ask(make({ env }), `${server.endpoint}/public/key`)).body, 'content')
    })

    it('of buckets that the settings call anonymous', async () => {
      const provider = make({ env: bareEnv, section: { buckets: { public: { anonymous: true } } } })
      assert.equal((await ask(provider, 's3://public/key')).body, 'content')
      assert.equal((await ask(make({ section: { anonymous: true } }), 's3://lkft/builds/Image.gz')).status, 403)
      assert.equal(last()?.by, 'nobody')
    })

    it('never for s3://: where there are no credentials that is the error', async () => {
      await assert.rejects(ask(make({ env: bareEnv }), 's3://lkft/builds/Image.gz'), {
        message: /^bucket lkft: no AWS credentials: /,
      })
      assert.equal(server.requests.length, 0)
    })
  })

  describe('of a server', () => {
    const asks = async (section: object | undefined, env: Env, url: string): Promise<string | undefined> => {
      await ask(make({ serving: true, section, env: { ...keyEnv, ...env } }), url)
      return last()?.by
    }

    it('lends its credentials for nothing by default', async () => {
      for (const url of ['s3://lkft/plus+sign', `${server.endpoint}/lkft/plus+sign`, 's3://public/key']) {
        assert.equal(await asks(undefined, {}, url), 'nobody', url)
      }
    })

    it('lends them for the buckets that are listed, and no other', async () => {
      for (const url of ['s3://lkft/plus+sign', `${server.endpoint}/lkft/plus+sign`]) {
        assert.equal(await asks(undefined, { KISS_S3_BUCKETS: 'other,lkft' }, url), 'header', url)
        assert.equal(await asks({ lend: ['lkft'] }, {}, url), 'header', url)
        assert.equal(await asks({ lend: ['lkft2', 'lkf'] }, {}, url), 'nobody', url)
        assert.equal(await asks({ lend: ['*'] }, {}, url), 'header', url)
      }
    })

    it('lends them for no bucket of that name elsewhere', async () => {
      const elsewhere = createS3Provider({
        env: { ...keyEnv, KISS_S3_BUCKETS: '*', AWS_ENDPOINT_URL: 'http://minio.lab' },
        section: { buckets: { lkft: { endpoint: server.endpoint } } },
        serving: true,
      })
      const signs = async (url: string): Promise<boolean> => {
        const [asked, signal] = [new URL(url), new AbortController().signal]
        // A first refusal, so that a signature is tried where one is lent.
        elsewhere.classify?.({ url: asked, hop: 0, status: 403, headers: {}, excerpt: '' })
        const request = { method: 'GET', url: asked, headers: {} } as const
        const sent = await elsewhere.authorise?.(request, { signal, asked, hop: 0, clientCredential: false })
        return sent?.headers['authorization'] !== undefined
      }
      assert.equal(await signs(`${server.endpoint}/lkft/key`), true)
      assert.equal(await signs('http://minio.lab/lkft/key'), false)
      assert.equal(await signs('https://lkft.s3.amazonaws.com/key'), false)
      assert.equal(await signs(`${server.endpoint}/other/key`), false)
      assert.equal(await signs('http://minio.lab/other/key'), true)
    })

    it("adds nothing to a client's own credential", async () => {
      const provider = make({ serving: true, env: { ...keyEnv, KISS_S3_BUCKETS: '*' } })
      const { status } = await ask(provider, 's3://lkft/plus+sign', {
        headers: { authorization: 'Bearer x' },
        clientCredential: true,
      })
      assert.deepEqual([status, last()?.headers['authorization']], [400, 'Bearer x'])
    })
  })

  describe('learns', () => {
    it('the region of a bucket, from the first refusal', async () => {
      const provider = make()
      assert.deepEqual(await ask(provider, 's3://irish/key').then(({ body, attempts }) => [body, attempts]), [
        'content',
        2,
      ])
      assert.equal((await ask(provider, 's3://irish/key')).attempts, 1)
      assert.equal((await ask(make(), 's3://irish/key', { method: 'HEAD' })).status, 200)
    })

    it('the host of the right region on AWS', async () => {
      const provider = createS3Provider({ env: keyEnv, serving: false })
      const asked = new URL('s3://irish/key')
      const where = async (): Promise<string> => {
        const context = { signal: new AbortController().signal, asked, hop: 0, clientCredential: false }
        const sent = await provider.authorise!({ method: 'GET', url: asked, headers: {} }, context)
        const region = /\/([^/]+)\/s3\//.exec(sent.headers['authorization'] ?? '')?.[1] ?? 'none'
        return `${sent.url.host} ${region}`
      }
      assert.equal(await where(), 'irish.s3.us-east-1.amazonaws.com us-east-1')
      const url = new URL('https://irish.s3.us-east-1.amazonaws.com/key')
      const headers = { 'x-amz-bucket-region': 'eu-west-1' }
      assert.equal(provider.classify!({ url, hop: 0, status: 301, headers, excerpt: '' }), 'reauthorise')
      assert.equal(await where(), 'irish.s3.eu-west-1.amazonaws.com eu-west-1')
      // Where a redirect led, and the request arrived without its signature.
      const redirected = new URL('https://irish.s3.eu-west-2.amazonaws.com/key')
      assert.equal(
        provider.classify!({ url: redirected, hop: 1, status: 403, headers: {}, excerpt: '' }),
        'reauthorise',
      )
      assert.equal(await where(), 'irish.s3.eu-west-2.amazonaws.com eu-west-2')
      // Nothing that would be another host, or another partition.
      for (const region of ['evil.example/', 'cn-north-1', 'us-gov-west-1']) {
        const named = { 'x-amz-bucket-region': region }
        assert.notEqual(provider.classify!({ url, hop: 0, status: 301, headers: named, excerpt: '' }), 'reauthorise')
      }
      assert.equal(await where(), 'irish.s3.eu-west-2.amazonaws.com eu-west-2')
      // An https URL of the bucket goes there too, still without a signature.
      const typed = {
        method: 'GET',
        url: new URL('https://irish.s3.us-west-1.amazonaws.com/key'),
        headers: {},
      } as const
      const context = { signal: new AbortController().signal, asked: typed.url, hop: 0, clientCredential: false }
      const sent = await provider.authorise!(typed, context)
      assert.deepEqual([sent.url.href, sent.headers], ['https://irish.s3.eu-west-2.amazonaws.com/key', {}])
    })

    it('how much the clocks differ', async () => {
      const provider = make()
      const ours = now
      const skewed = S3Server.start({ keys: [keys], now: () => ours + 3_600_000 })
      const other = await skewed
      try {
        other.bucket('lkft').put('lkft', 'key', 'content')
        const there = createS3Provider({
          env: { ...keyEnv, AWS_ENDPOINT_URL: other.endpoint },
          serving: false,
          now: () => ours,
        })
        assert.deepEqual(await ask(there, 's3://lkft/key').then(({ body, attempts }) => [body, attempts]), [
          'content',
          2,
        ])
        assert.equal((await ask(there, 's3://lkft/key')).attempts, 1)
        assert.equal((await ask(provider, 's3://lkft/plus+sign')).attempts, 1)
      } finally {
        await other.close()
      }
    })
  })

  describe('leaves URLs that a client signed', () => {
    const sign = (key: string, more: object = {}): Promise<string> => {
      const config = { region: 'us-east-1', endpoint: server.endpoint, forcePathStyle: true, credentials: keys }
      return getSignedUrl(new S3Client(config), new GetObjectCommand({ Bucket: 'lkft', Key: key, ...more }))
    }

    it('as they are, under the name of their object', async () => {
      const provider = make({ env: bareEnv })
      for (const key of oddKeys) {
        const url = await sign(key)
        assert.deepEqual(await ask(provider, url).then(({ body }) => body), `body of ${key}`)
        const name = new URL(`s3://lkft/${key.split('/').map(encodeURIComponent).join('/')}`)
        assert.equal(provider.cacheKey(new URL(url)).href, provider.cacheKey(name).href)
        assert.equal(provider.carriesCredential?.(new URL(url)), true)
      }
      assert.ok(server.requests.every(({ by }) => by === 'query'))
    })

    it('under one name whatever headers of the answer they choose', async () => {
      const provider = make()
      const names = await Promise.all(
        [{}, { ResponseContentType: 'text/plain' }, { ResponseContentDisposition: 'attachment' }].map(
          async (more) => provider.cacheKey(new URL(await sign('plus+sign', more))).href,
        ),
      )
      assert.equal(new Set(names).size, 1)
    })

    it('to be refused when they have expired, with no signature of ours instead', async () => {
      const url = await sign('plus+sign')
      now += 3_600_000
      const { meaning, said, attempts } = await ask(make(), url)
      assert.deepEqual([meaning, attempts], ['denied', 1])
      assert.equal(said, 's3: bucket lkft, key plus+sign: AccessDenied')
    })
  })

  it('signs nothing after a redirect, not even for a bucket that it has signed for', async () => {
    const provider = make()
    const target = `${server.endpoint}/lkft/plus+sign`
    await ask(provider, target)
    assert.equal(last()?.by, 'header')
    const request = { method: 'GET', url: new URL(target), headers: {} } as const
    for (const asked of ['s3://public/key', 's3://lkft/other', target]) {
      const context = { signal: new AbortController().signal, asked: new URL(asked), hop: 1, clientCredential: false }
      assert.equal(await provider.authorise!(request, context), request)
    }
  })

  it('says no more than the code when S3 repeats the credential', async () => {
    const env = { ...keyEnv, AWS_SECRET_ACCESS_KEY: 'wrong' }
    const { body, said } = await ask(make({ env }), 's3://lkft/plus+sign')
    assert.match(body, /AKIAIOSFODNN7EXAMPLE/)
    assert.equal(said, 's3: bucket lkft, key plus+sign: SignatureDoesNotMatch')
  })
})
