import assert from 'node:assert/strict'
import { createS3Provider } from '#s3/provider.js'
import { ask } from './client.js'
import { bareEnv, keyEnv, keys, withSharedFiles } from './harness.js'
import { oddKeys, s3Lab, s3Url, session } from './lab.js'

describe('the S3 provider', () => {
  const lab = s3Lab()

  describe('signs', () => {
    for (const key of oddKeys) {
      it(`for the key ${key}`, async () => {
        const provider = lab().provider()
        const url = s3Url('lkft', key)
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
      const { body } = await ask(provider, 's3://lkft/plus+sign', { proxyPort: lab().server.port })
      assert.deepEqual([body, lab().last?.host], ['body of plus+sign', 'lkft.s3.test'])
    })

    it('HEAD as HEAD, ranges and conditions as they come', async () => {
      const provider = lab().provider()
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
      await ask(lab().provider(), 's3://lkft/builds/Image.gz')
      assert.deepEqual([lab().last?.by, lab().last?.url], ['header', '/lkft/builds/Image.gz'])
    })

    it('with the token of a session', async () => {
      const env = {
        ...bareEnv,
        AWS_ACCESS_KEY_ID: session.accessKeyId,
        AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
        AWS_SESSION_TOKEN: session.sessionToken,
      }
      assert.equal((await ask(lab().provider({ env }), 's3://lkft/builds/Image.gz')).status, 200)
    })

    it('for the version that is asked for', async () => {
      const version = lab().server.put('lkft', 'builds/Image.gz', 'newer')
      assert.equal((await ask(lab().provider(), 's3://lkft/builds/Image.gz')).body, 'newer')
      assert.equal((await ask(lab().provider(), `s3://lkft/builds/Image.gz?versionId=${version}`)).body, 'newer')
      const first = version.replace('v2', 'v1')
      assert.equal(
        (await ask(lab().provider(), `s3://lkft/builds/Image.gz?versionId=${first}`)).body,
        'body of builds/Image.gz',
      )
    })

    it('and says who pays', async () => {
      const { said } = await ask(lab().provider(), 's3://paid/key')
      assert.equal(said, 's3: bucket paid, key key: AccessDenied')
      assert.equal(
        (await ask(lab().provider({ section: { buckets: { paid: { 'requester-pays': true } } } }), 's3://paid/key'))
          .body,
        'content',
      )
    })

    it('with the profile of the bucket', async () => {
      const credentials = `[ci]\naws_access_key_id = ${keys.accessKeyId}\naws_secret_access_key = ${keys.secretAccessKey}\n`
      await withSharedFiles({ credentials }, async (env) => {
        const section = { buckets: { lkft: { profile: 'ci' } } }
        assert.equal((await ask(lab().provider({ env, section }), 's3://lkft/builds/Image.gz')).status, 200)
      })
    })
  })

  describe('asks without a signature', () => {
    it('for http URLs, as long as that is enough', async () => {
      const { body, attempts } = await ask(lab().provider(), `${lab().server.endpoint}/public/key`)
      assert.deepEqual([body, attempts, lab().last?.by], ['content', 1, 'nobody'])
    })

    it('for http URLs at first, then with one, which it remembers', async () => {
      const provider = lab().provider()
      const first = await ask(provider, `${lab().server.endpoint}/lkft/builds/Image.gz`)
      assert.deepEqual([first.body, first.attempts], ['body of builds/Image.gz', 2])
      assert.equal((await ask(provider, `${lab().server.endpoint}/lkft/plus+sign`)).attempts, 1)
    })

    it('also when several that were sent without one come back refused', async () => {
      const provider = lab().provider()
      const answers = await Promise.all(
        oddKeys.map((key) => ask(provider, `${lab().server.endpoint}/lkft/${encodeURIComponent(key)}`)),
      )
      assert.deepEqual(
        answers.map(({ body }) => body),
        oddKeys.map((key) => `body of ${key}`),
      )
    })

    it('for http URLs where there are no credentials: the answer is the own one of S3', async () => {
      const { status, meaning, said, attempts } = await ask(
        lab().provider({ env: bareEnv }),
        lab().plainUrl('lkft/builds/Image.gz'),
      )
      assert.deepEqual([status, meaning, attempts], [403, 'denied', 2])
      assert.equal(said, 's3: bucket lkft, key builds/Image.gz: AccessDenied')
    })

    it('of public objects, whatever state the credentials are in', async () => {
      const env = { ...keyEnv, AWS_SECRET_ACCESS_KEY: 'wrong' }
      assert.equal((await ask(lab().provider({ env }), `${lab().server.endpoint}/public/key`)).body, 'content')
    })

    it('of buckets that the settings call anonymous', async () => {
      const provider = lab().provider({ env: bareEnv, section: { buckets: { public: { anonymous: true } } } })
      assert.equal((await ask(provider, 's3://public/key')).body, 'content')
      assert.equal(
        (await ask(lab().provider({ section: { anonymous: true } }), 's3://lkft/builds/Image.gz')).status,
        403,
      )
      assert.equal(lab().last?.by, 'nobody')
    })

    it('never for s3://: where there are no credentials that is the error', async () => {
      await assert.rejects(ask(lab().provider({ env: bareEnv }), 's3://lkft/builds/Image.gz'), {
        message: /^bucket lkft: no AWS credentials: /,
      })
      assert.equal(lab().server.requests.length, 0)
    })
  })

  it('signs nothing after a redirect, not even for a bucket that it has signed for', async () => {
    const provider = lab().provider()
    const target = `${lab().server.endpoint}/lkft/plus+sign`
    await ask(provider, target)
    assert.equal(lab().last?.by, 'header')
    const request = { method: 'GET', url: new URL(target), headers: {} } as const
    for (const asked of ['s3://public/key', 's3://lkft/other', target]) {
      const context = { signal: new AbortController().signal, asked: new URL(asked), hop: 1, clientCredential: false }
      assert.equal(await provider.authorise!(request, context), request)
    }
  })

  it('does not repeat a token or a key that no header can hold', async () => {
    const wrong = { AWS_SESSION_TOKEN: 'first/half\nsecond/half', AWS_ACCESS_KEY_ID: 'AKIA\u2028EXAMPLE' }
    for (const [name, value] of Object.entries(wrong)) {
      const what = name === 'AWS_SESSION_TOKEN' ? 'session token' : 'access key'
      await assert.rejects(ask(lab().provider({ env: { ...keyEnv, [name]: value } }), 's3://lkft/plus+sign'), {
        message: `bucket lkft: the AWS ${what} holds line ends or characters that no AWS ${what} has`,
      })
    }
    assert.equal(lab().server.requests.length, 0)
  })

  it('says no more than the code when S3 repeats the credential', async () => {
    const env = { ...keyEnv, AWS_SECRET_ACCESS_KEY: 'wrong' }
    const { body, said } = await ask(lab().provider({ env }), 's3://lkft/plus+sign')
    assert.match(body, /AKIAIOSFODNN7EXAMPLE/)
    assert.equal(said, 's3: bucket lkft, key plus+sign: SignatureDoesNotMatch')
  })
})
