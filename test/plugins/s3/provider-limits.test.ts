import assert from 'node:assert/strict'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { Env } from '#s3/aws-config.js'
import { createS3Provider } from '#s3/provider.js'
import { S3Server } from '../../support/s3-server.js'
import { ask } from './client.js'
import { bareEnv, keyEnv, keys } from './harness.js'
import { oddKeys, s3Lab, s3Url } from './lab.js'

describe('the S3 provider', () => {
  const lab = s3Lab()

  describe('of a server', () => {
    const asks = async (section: object | undefined, env: Env, url: string): Promise<string | undefined> => {
      await ask(lab().provider({ serving: true, section, env: { ...keyEnv, ...env } }), url)
      return lab().last?.by
    }

    it('lends its credentials for nothing by default', async () => {
      for (const url of ['s3://lkft/plus+sign', `${lab().server.endpoint}/lkft/plus+sign`, 's3://public/key']) {
        assert.equal(await asks(undefined, {}, url), 'nobody', url)
      }
    })

    it('lends them for the buckets that are listed, and no other', async () => {
      for (const url of ['s3://lkft/plus+sign', `${lab().server.endpoint}/lkft/plus+sign`]) {
        assert.equal(await asks(undefined, { KISS_S3_BUCKETS: 'other,lkft' }, url), 'header', url)
        assert.equal(await asks({ lend: ['lkft'] }, {}, url), 'header', url)
        assert.equal(await asks({ lend: ['lkft2', 'lkf'] }, {}, url), 'nobody', url)
        assert.equal(await asks({ lend: ['*'] }, {}, url), 'header', url)
      }
    })

    it('lends them for no bucket of that name elsewhere', async () => {
      const elsewhere = createS3Provider({
        env: { ...keyEnv, KISS_S3_BUCKETS: '*', AWS_ENDPOINT_URL: 'http://minio.lab' },
        section: { buckets: { lkft: { endpoint: lab().server.endpoint } } },
        serving: true,
      })
      const signs = async (url: string): Promise<boolean> => {
        const [asked, signal] = [new URL(url), new AbortController().signal]
        const request = { method: 'GET', url: asked, headers: {} } as const
        const context = { signal, asked, hop: 0, clientCredential: false }
        // A first refusal, so that a signature is tried where one is lent.
        await elsewhere.authorise?.(request, context)
        elsewhere.classify?.({ url: asked, hop: 0, status: 403, headers: {}, excerpt: '' })
        const sent = await elsewhere.authorise?.(request, context)
        return sent?.headers['authorization'] !== undefined
      }
      assert.equal(await signs(`${lab().server.endpoint}/lkft/key`), true)
      assert.equal(await signs('http://minio.lab/lkft/key'), false)
      assert.equal(await signs('https://lkft.s3.amazonaws.com/key'), false)
      assert.equal(await signs(`${lab().server.endpoint}/other/key`), false)
      assert.equal(await signs('http://minio.lab/other/key'), true)
    })

    it("adds nothing to a client's own credential", async () => {
      const provider = lab().provider({ serving: true, env: { ...keyEnv, KISS_S3_BUCKETS: '*' } })
      const { status } = await ask(provider, 's3://lkft/plus+sign', {
        headers: { authorization: 'Bearer x' },
        clientCredential: true,
      })
      assert.deepEqual([status, lab().last?.headers['authorization']], [400, 'Bearer x'])
    })
  })

  describe('learns', () => {
    it('the region of a bucket, from the first refusal', async () => {
      const provider = lab().provider()
      assert.deepEqual(await ask(provider, 's3://irish/key').then(({ body, attempts }) => [body, attempts]), [
        'content',
        2,
      ])
      assert.equal((await ask(provider, 's3://irish/key')).attempts, 1)
      assert.equal((await ask(lab().provider(), 's3://irish/key', { method: 'HEAD' })).status, 200)
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
      const provider = lab().provider()
      const ours = lab().now
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
      const config = { region: 'us-east-1', endpoint: lab().server.endpoint, forcePathStyle: true, credentials: keys }
      return getSignedUrl(new S3Client(config), new GetObjectCommand({ Bucket: 'lkft', Key: key, ...more }))
    }

    it('as they are, under the name of their object', async () => {
      const provider = lab().provider({ env: bareEnv })
      for (const key of oddKeys) {
        const url = await sign(key)
        assert.deepEqual(await ask(provider, url).then(({ body }) => body), `body of ${key}`)
        const name = new URL(s3Url('lkft', key))
        assert.equal(provider.cacheKey(new URL(url)).href, provider.cacheKey(name).href)
        assert.equal(provider.carriesCredential?.(new URL(url)), true)
      }
      assert.ok(lab().server.requests.every(({ by }) => by === 'query'))
    })

    it('under one name whatever headers of the answer they choose', async () => {
      const provider = lab().provider()
      const names = await Promise.all(
        [{}, { ResponseContentType: 'text/plain' }, { ResponseContentDisposition: 'attachment' }].map(
          async (more) => provider.cacheKey(new URL(await sign('plus+sign', more))).href,
        ),
      )
      assert.equal(new Set(names).size, 1)
    })

    it('to be refused when they have expired, with no signature of ours instead', async () => {
      const url = await sign('plus+sign')
      lab().now += 3_600_000
      const { meaning, said, attempts } = await ask(lab().provider(), url)
      assert.deepEqual([meaning, attempts], ['denied', 1])
      assert.equal(said, 's3: bucket lkft, key plus+sign: AccessDenied')
    })
  })
})
