import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { S3Server, type S3Key } from './s3-server.js'

const lasting: S3Key = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}
const session: S3Key = {
  accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'session+secret/key',
  sessionToken: 'IQoJb3+/==token',
}
const lapsed: S3Key = { ...session, accessKeyId: 'ASIALAPSED', expired: true }

const oddKeys = [
  'plain',
  'a/b//c',
  'with blank',
  'plus+sign',
  "!'()*~",
  'percent%20sign',
  'ümläut/日本.bin',
  'q?u#e&r=y',
]

// What the SDK says about Node 20 is for those who deploy it, not for these tests.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'

const amzDate = (at: number): string => new Date(at).toISOString().replace(/[:-]|\.\d+/g, '')

interface Got {
  status: number
  headers: NodeJS.Dict<string | string[]>
  body: string
}

describe('the S3 test server', () => {
  let server: S3Server
  let now: number | undefined

  before(async () => {
    server = await S3Server.start({
      keys: [lasting, session, lapsed],
      hosts: { 's3.test': undefined, 's3.eu-west-1.test': 'eu-west-1' },
      now: () => now ?? Date.now(),
    })
    server.bucket('private').bucket('public', { public: true }).bucket('irish', { region: 'eu-west-1' })
    server.bucket('paid', { requesterPays: true })
    for (const key of oddKeys) server.put('private', key, `body of ${key}`)
    for (const name of ['public', 'irish', 'paid']) server.put(name, 'key', 'content')
  })
  beforeEach(() => (now = undefined))
  after(() => server.close())

  const client = (
    credentials: S3Key,
    more: { endpoint?: string; region?: string; forcePathStyle?: boolean } = {},
  ): S3Client =>
    new S3Client({ region: 'us-east-1', endpoint: server.endpoint, forcePathStyle: true, credentials, ...more })

  const virtual = (suffix = 's3.test') => ({ endpoint: `http://${suffix}:${server.port}`, forcePathStyle: false })

  /** Over a socket to the server, whatever the URL's host. */
  const get = async (url: string, method = 'GET', headers: Record<string, string> = {}): Promise<Got> => {
    const { host, pathname, search } = new URL(url)
    const options = {
      host: '127.0.0.1',
      port: server.port,
      path: pathname + search,
      method,
      headers: { host, ...headers },
    }
    return new Promise((resolve, reject) => {
      const request = httpRequest(options, (response) => {
        text(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
          reject,
        )
      })
      request.on('error', reject).end()
    })
  }
  const code = ({ body }: Got): string | undefined => /<Code>(\w+)<\/Code>/.exec(body)?.[1]

  describe('takes what the official SDK signs', () => {
    for (const [style, more] of [
      ['path style', () => ({})],
      ['virtual-host style', virtual],
    ] as const) {
      for (const key of oddKeys) {
        it(`presigned, ${style}, for the key ${key}`, async () => {
          const url = await getSignedUrl(client(lasting, more()), new GetObjectCommand({ Bucket: 'private', Key: key }))
          const { status, body } = await get(url)
          assert.deepEqual([status, body], [200, `body of ${key}`])
        })
      }
    }

    it('presigned by a session, for a version, with headers of the answer chosen', async () => {
      const versionId = server.put('private', 'plain', 'newer')
      const wanted = { Bucket: 'private', Key: 'plain', VersionId: 'v1.xxxxxxxxxxxxxxxxxxxx' }
      const url = (input: object): Promise<string> =>
        getSignedUrl(client(session), new GetObjectCommand({ ...wanted, ...input }))
      assert.equal((await get(await url({}))).body, 'body of plain')
      const chosen = await get(
        await url({ VersionId: versionId, ResponseContentDisposition: 'attachment; filename="a b"' }),
      )
      assert.deepEqual([chosen.body, chosen.headers['content-disposition']], ['newer', 'attachment; filename="a b"'])
    })

    it('presigned for HEAD, and not for GET', async () => {
      const url = await getSignedUrl(client(lasting), new HeadObjectCommand({ Bucket: 'private', Key: 'a/b//c' }))
      const head = await get(url, 'HEAD')
      assert.deepEqual([head.status, head.headers['content-length']], [200, String('body of a/b//c'.length)])
      const other = await get(url, 'GET')
      assert.deepEqual([other.status, code(other)], [403, 'SignatureDoesNotMatch'])
    })

    it('signed in headers: objects, ranges, conditions', async () => {
      const s3 = client(session)
      for (const Key of oddKeys.slice(1)) {
        const { Body, ETag = '' } = await s3.send(new GetObjectCommand({ Bucket: 'private', Key }))
        assert.equal(await Body?.transformToString(), `body of ${Key}`)
        const part = await s3.send(new GetObjectCommand({ Bucket: 'private', Key, Range: 'bytes=5-6' }))
        assert.deepEqual([await part.Body?.transformToString(), part.$metadata.httpStatusCode], ['of', 206])
        const again = s3.send(new GetObjectCommand({ Bucket: 'private', Key, IfNoneMatch: ETag }))
        await assert.rejects(
          again,
          (e: { $metadata?: { httpStatusCode?: number } }) => e.$metadata?.httpStatusCode === 304,
        )
      }
    })

    it('listings, in pages, with common prefixes', async () => {
      const keys: (string | undefined)[] = []
      const pages = paginateListObjectsV2({ client: client(lasting), pageSize: 3 }, { Bucket: 'private' })
      for await (const page of pages) keys.push(...(page.Contents ?? []).map(({ Key }) => Key))
      assert.deepEqual(
        keys,
        oddKeys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      )
      const top = await client(lasting).send(
        new ListObjectsV2Command({ Bucket: 'private', Delimiter: '/', EncodingType: 'url' }),
      )
      assert.deepEqual(
        top.CommonPrefixes?.map(({ Prefix }) => decodeURIComponent(Prefix ?? '')),
        ['a/', 'ümläut/'],
      )
    })

    it('whoever pays, where the bucket wants that', async () => {
      const wanted = { Bucket: 'paid', Key: 'key' }
      await assert.rejects(client(lasting).send(new GetObjectCommand(wanted)), { name: 'AccessDenied' })
      await client(lasting).send(new GetObjectCommand({ ...wanted, RequestPayer: 'requester' }))
    })
  })

  describe('refuses', () => {
    const signed = (key = lasting, expiresIn = 900): Promise<string> =>
      getSignedUrl(client(key), new GetObjectCommand({ Bucket: 'private', Key: 'with blank' }), { expiresIn })

    const tampered: [what: string, change: (url: URL) => void][] = [
      ['another key', (url) => (url.pathname = '/private/plain')],
      ['another bucket', (url) => (url.pathname = '/public/key')],
      ['another parameter', (url) => url.searchParams.set('versionId', 'null')],
      ['a longer life', (url) => url.searchParams.set('X-Amz-Expires', '901')],
      ['a later date', (url) => url.searchParams.set('X-Amz-Date', amzDate(Date.now() + 60_000))],
      ['another signature', (url) => url.searchParams.set('X-Amz-Signature', '0'.repeat(64))],
      [
        'one digit of the signature',
        (url) => {
          const right = url.searchParams.get('X-Amz-Signature') ?? ''
          url.searchParams.set(
            'X-Amz-Signature',
            right.replace(/.$/, (c) => (c === '0' ? '1' : '0')),
          )
        },
      ],
      ['another host', (url) => (url.hostname = '127.0.0.2')],
    ]
    for (const [what, change] of tampered) {
      it(`a signed URL with ${what}`, async () => {
        const url = new URL(await signed())
        change(url)
        const { status } = await get(url.href)
        assert.ok(status === 403 || status === 400, String(status))
      })
    }

    it('a signed URL one second after its end, and not one second before', async () => {
      const url = await signed(lasting, 60)
      now = Date.now() + 58_000
      assert.equal((await get(url)).status, 200)
      now += 4_000
      const late = await get(url)
      assert.deepEqual([late.status, code(late)], [403, 'AccessDenied'])
      assert.match(late.body, /Request has expired/)
    })

    it('a session without its token, and one that is over', async () => {
      const { accessKeyId, secretAccessKey } = session
      assert.equal(code(await get(await signed({ accessKeyId, secretAccessKey }))), 'InvalidToken')
      assert.equal(code(await get(await signed(lapsed))), 'ExpiredToken')
    })

    it('unknown keys, and headers whose time is off', async () => {
      assert.equal(code(await get(await signed({ ...lasting, accessKeyId: 'AKIANOBODY' }))), 'InvalidAccessKeyId')
      now = Date.now() + 16 * 60_000
      const skewed = new S3Client({
        ...{ region: 'us-east-1', endpoint: server.endpoint, forcePathStyle: true, credentials: lasting },
        maxAttempts: 1,
      }).send(new GetObjectCommand({ Bucket: 'private', Key: 'plain' }))
      await assert.rejects(skewed, { name: 'RequestTimeTooSkewed' })
    })

    it('a header that came along unsigned, and two ways to sign at once', async () => {
      const stray = await get(await signed(), 'GET', { 'x-amz-request-payer': 'requester' })
      assert.equal(code(stray), 'AccessDenied')
      const both = await get(await signed(), 'GET', { authorization: 'AWS4-HMAC-SHA256 Credential=x' })
      assert.equal(code(both), 'InvalidArgument')
    })

    it('the wrong region: in the scope, and by the host', async () => {
      const wanted = new GetObjectCommand({ Bucket: 'irish', Key: 'key' })
      const scope = await get(await getSignedUrl(client(lasting), wanted))
      assert.deepEqual([scope.status, scope.headers['x-amz-bucket-region']], [400, 'eu-west-1'])
      const right = client(lasting, { ...virtual('s3.eu-west-1.test'), region: 'eu-west-1' })
      assert.equal((await get(await getSignedUrl(right, wanted))).status, 200)
      const host = await get(`http://private.s3.eu-west-1.test:${server.port}/plain`)
      assert.deepEqual(
        [host.status, code(host), host.headers['x-amz-bucket-region']],
        [301, 'PermanentRedirect', 'us-east-1'],
      )
    })

    it('anybody without a signature, but for what is public', async () => {
      assert.equal(code(await get(`${server.endpoint}/private/plain`)), 'AccessDenied')
      assert.equal((await get(`${server.endpoint}/public/key`)).body, 'content')
      assert.equal(code(await get(`${server.endpoint}/public/key?response-content-type=a`)), 'InvalidRequest')
      assert.equal(code(await get(`${server.endpoint}/public/none`)), 'NoSuchKey')
      assert.equal(code(await get(`${server.endpoint}/nowhere/none`)), 'NoSuchBucket')
    })
  })

  it('answers HEAD without a body, also when it refuses', async () => {
    const { status, body } = await get(`${server.endpoint}/private/plain`, 'HEAD')
    assert.deepEqual([status, body], [403, ''])
  })

  it('breaks off in mid-body when told to', async () => {
    server.cutNext(3)
    await assert.rejects(get(`${server.endpoint}/public/key`))
    assert.equal((await get(`${server.endpoint}/public/key`)).body, 'content')
  })
})
