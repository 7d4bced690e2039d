import { createS3Provider } from '#s3/provider.js'
import { providerContract, type ProviderSamples } from '../../contract/provider.js'
import { keyEnv, keys } from './harness.js'

const token = 'IQoJb3JpZ2luX2VjEPT//session+token=='
const signature = 'fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024'
const env = { ...keyEnv, AWS_SESSION_TOKEN: token, KISS_S3_BUCKETS: 'lkft' }
const now = (): number => Date.parse('2026-01-02T03:04:05Z')

const v4 = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${keys.accessKeyId}%2F20260102%2Fus-east-1%2Fs3%2Faws4_request`
const presigned = `${v4}&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=${signature}`
const later = presigned.replace('030405Z', '040506Z').replace(signature, signature.replaceAll('f', '0'))
const v2 = `AWSAccessKeyId=${keys.accessKeyId}&Expires=1767323045&Signature=${signature}`

const error = (code: string, more = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>No.</Message>${more}<RequestId>1</RequestId></Error>`

const object = 's3://lkft/builds/Image.gz'
const host = 'https://lkft.s3.us-east-1.amazonaws.com/builds/Image.gz'

const samples: ProviderSamples = {
  same: [
    [
      object,
      `${object}?region=us-east-1`,
      host,
      'https://s3.amazonaws.com/lkft/builds/Image.gz',
      `${host}?${presigned}`,
      `${host}?${later}&response-content-disposition=attachment`,
      `${host}?${v2}`,
    ],
    [`${object}?versionId=1`, `${host}?versionId=1&${presigned}`, `${host}?${later}&versionId=1&x-id=GetObject`],
    ['s3://lkft/builds/Image gz', 's3://lkft/builds/Image%20gz', 'https://lkft.s3.amazonaws.com/builds/Image+gz'],
    ['s3://lkft/builds/Image+gz', 'https://lkft.s3.amazonaws.com/builds/Image%2Bgz'],
    ['s3://other/builds/Image.gz'],
    ['https://lkft.s3.cn-north-1.amazonaws.com.cn/builds/Image.gz'],
    [
      `https://files.example/lkft/a?${presigned}`,
      `https://files.example/lkft/a?${later}`,
      `https://files.example/lkft/a?${v2}`,
    ],
    [`https://storage.googleapis.com/b/o?GoogleAccessId=a&Expires=1&Signature=${signature}`],
  ],
  foreign: [
    'https://example.com/lkft/builds/Image.gz',
    'https://lkft.s3.amazonaws.com.example.com/builds/Image.gz',
    'https://lkft.s3.amazonaws.com/builds/Image.gz?acl',
    's3://lkft',
    'gs://lkft/builds/Image.gz',
  ],
  credentials: [`${host}?${presigned}`, `${host}?${v2}`, `https://files.example/lkft/a?${presigned}`],
  plain: [object, host, 'https://s3.amazonaws.com/lkft/builds/Image.gz?versionId=1'],
  authorised: [object, `${object}?versionId=1`, 's3://lkft/plus+sign and blank'],
  secrets: [keys.accessKeyId, keys.secretAccessKey, token, signature],
  failures: [
    {
      url: host,
      status: 403,
      excerpt: error('AccessDenied'),
      described: 's3: bucket lkft, key builds/Image.gz: AccessDenied',
    },
    { url: object, status: 404, excerpt: error('NoSuchKey'), classified: 'gone' },
    { url: object, status: 404, excerpt: error('NoSuchBucket'), classified: 'gone' },
    { url: `${object}?versionId=1`, status: 405, headers: { 'x-amz-delete-marker': 'true' }, classified: 'gone' },
    { url: object, status: 503, excerpt: error('SlowDown'), classified: 'retry' },
    { url: object, status: 400, excerpt: error('RequestTimeout'), classified: 'retry' },
    { url: object, status: 403, excerpt: error('SignatureDoesNotMatch'), classified: 'denied' },
    { url: object, status: 403, excerpt: error('InvalidObjectState'), classified: 'denied' },
    { url: object, status: 416, excerpt: error('InvalidRange'), classified: undefined },
    {
      url: host,
      status: 301,
      excerpt: error('PermanentRedirect', '<Endpoint>lkft.s3-eu-west-1.amazonaws.com</Endpoint>'),
      classified: 'reauthorise',
    },
    {
      url: host,
      status: 400,
      excerpt: error('AuthorizationHeaderMalformed', '<Region>eu-west-1</Region>'),
      classified: 'reauthorise',
    },
    {
      url: host,
      status: 301,
      excerpt: error('PermanentRedirect', '<Region>evil.example/</Region>'),
      classified: undefined,
    },
    { url: host, status: 301, headers: { 'x-amz-bucket-region': 'eu-west-1' }, classified: 'reauthorise' },
    {
      url: object,
      status: 403,
      headers: { date: 'Fri, 02 Jan 2026 05:04:05 GMT' },
      excerpt: error('RequestTimeTooSkewed'),
      classified: 'reauthorise',
    },
    // What a client brought cannot be made anew.
    { url: `${host}?${presigned}`, status: 403, excerpt: error('AccessDenied'), classified: 'denied' },
    { url: `${host}?${presigned}`, status: 400, excerpt: error('ExpiredToken'), classified: 'denied' },
    {
      url: `https://files.example/lkft/a?${presigned}`,
      status: 403,
      excerpt: error('AccessDenied'),
      classified: 'denied',
      described: 's3: files.example/lkft/a: AccessDenied',
    },
  ],
}

providerContract('the S3 provider', () => createS3Provider({ env, serving: false, now }), samples)
providerContract('the S3 provider of a server', () => createS3Provider({ env, serving: true, now }), {
  ...samples,
})
