import assert from 'node:assert/strict'
import { bucketUrl, canonicalUrl } from '#s3/object.js'
import type { Env } from '#s3/aws-config.js'
import type { Places } from '#s3/places.js'
import { bareEnv, placesFor } from './harness.js'

const minio: Env = { ...bareEnv, AWS_ENDPOINT_URL: 'http://minio.lab:9000' }

const nameOf = (places: Places, url: string): string | undefined => {
  const found = places.find(new URL(url))
  return found && canonicalUrl(found.object).href
}
const keyOf = (places: Places, url: string): string | undefined => places.find(new URL(url))?.object.key

describe('places of S3', () => {
  const aws = placesFor()

  it('gives all ways to write an object of AWS one name', () => {
    for (const url of [
      's3://lkft/builds/Image.gz',
      's3://lkft/builds/Image.gz?region=eu-west-1',
      's3://lkft/builds%2FImage.gz',
      'https://lkft.s3.amazonaws.com/builds/Image.gz',
      'http://lkft.s3.amazonaws.com/builds/Image.gz',
      'https://lkft.s3.eu-west-1.amazonaws.com/builds/Image.gz',
      'https://lkft.s3-eu-west-1.amazonaws.com/builds/Image.gz',
      'https://lkft.s3.dualstack.eu-west-1.amazonaws.com/builds/Image.gz',
      'https://lkft.s3-fips.us-east-1.amazonaws.com/builds/Image.gz',
      'https://lkft.s3-accelerate.amazonaws.com/builds/Image.gz',
      'https://s3.amazonaws.com/lkft/builds/Image.gz',
      'https://s3.eu-west-1.amazonaws.com/lkft/builds/Image.gz?x-id=GetObject',
      'https://s3.eu-west-1.amazonaws.com/lkft/builds%2FImage.gz?response-content-type=text/plain',
      'https://lkft.s3.amazonaws.com/builds/Image.gz?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0&x-id=GetObject',
      'https://lkft.s3.amazonaws.com/builds/Image.gz?AWSAccessKeyId=A&Signature=b%2F&Expires=1',
    ]) {
      assert.equal(nameOf(aws, url), 'https://s3.amazonaws.com/lkft/builds/Image.gz', url)
    }
  })

  it('keeps partitions apart, where bucket names mean different buckets', () => {
    const names = [
      's3://b/k',
      's3://b/k?region=cn-north-1',
      's3://b/k?region=us-gov-west-1',
      'https://b.s3.us-gov-east-1.amazonaws.com/k',
      'https://b.s3.cn-northwest-1.amazonaws.com.cn/k',
    ].map((url) => nameOf(aws, url))
    assert.deepEqual(names, [
      'https://s3.amazonaws.com/b/k',
      'https://s3.cn-north-1.amazonaws.com.cn/b/k',
      'https://s3.us-gov-west-1.amazonaws.com/b/k',
      'https://s3.us-gov-west-1.amazonaws.com/b/k',
      'https://s3.cn-north-1.amazonaws.com.cn/b/k',
    ])
  })

  it('decodes a key once, and takes blanks and letters as typed', () => {
    for (const [url, key] of [
      ['s3://b/with blank', 'with blank'],
      ['s3://b/with%20blank', 'with blank'],
      ['s3://b/with%2520percent', 'with%20percent'],
      ['s3://b/ümläut/日本', 'ümläut/日本'],
      ['s3://b/%C3%BC', 'ü'],
      ['s3://b/100%', '100%'],
      ['s3://b/%E0%A4%A', '%E0%A4%A'],
      ['s3://b/a%3Fb%23c', 'a?b#c'],
      ['s3://b/plus+sign', 'plus+sign'],
      ['s3://b//leading', '/leading'],
      ['s3://b/trailing/', 'trailing/'],
      ['https://b.s3.amazonaws.com/plus+is%2Bblank', 'plus is+blank'],
      ['https://b.s3.amazonaws.com//leading', '/leading'],
    ] as const) {
      assert.equal(keyOf(aws, url), key, url)
    }
  })

  it('names every key so that it is read again as it is', () => {
    for (const key of [
      "!'()*~-_.",
      'a b',
      '100%',
      'a?b#c',
      'a+b',
      'ü/日本',
      '/x//y/',
      '...',
      '%2F',
      'a\\b',
      '\u0001',
    ]) {
      const object = { endpoint: aws.home('b').endpoint, bucket: 'b', key }
      const url = canonicalUrl(object)
      assert.deepEqual([keyOf(aws, url.href), nameOf(aws, url.href)], [key, url.href])
    }
  })

  it('leaves alone what is no object', () => {
    for (const url of [
      's3://',
      's3:///key',
      's3://bucket',
      's3://bucket/',
      's3://bucket:9000/key',
      's3://bucket/key?acl',
      's3://bucket/key?versionId=',
      's3://bucket/key?versionId=1&versionId=2',
      's3://bucket/key?region=evil.example/',
      's3://bucket/a%2F..%2F..%2Fother/key',
      's3:opaque',
      'https://s3.amazonaws.com/',
      'https://s3.amazonaws.com/bucket',
      'https://s3.amazonaws.com/bucket/',
      'https://bucket.s3.amazonaws.com/',
      'https://bucket.s3.amazonaws.com/key?acl',
      'https://bucket.s3.amazonaws.com/?list-type=2',
      'https://bucket.s3.amazonaws.com/key?versionId=1&tagging',
      'https://bucket.s3.amazonaws.com/key?partNumber=x',
      'https://bucket.s3.amazonaws.com/%E0%A4%A',
      'https://s3.amazonaws.com/bucket/a%2F..%2F..%2Fother/key',
      'https://bucket.s3.amazonaws.com:8443/key',
      'https://example.com/bucket/key',
      'ftp://s3.amazonaws.com/bucket/key',
    ]) {
      assert.equal(aws.find(new URL(url)), undefined, url)
    }
  })

  it('has versions and parts in the name', () => {
    const name = nameOf(aws, 'https://b.s3.amazonaws.com/k?partNumber=2&response-expires=0&versionId=a%2Fb')
    assert.equal(name, 'https://s3.amazonaws.com/b/k?partNumber=2&versionId=a%2Fb')
    assert.equal(
      nameOf(aws, 's3://b/k?versionId=a%2Fb&region=eu-west-1'),
      'https://s3.amazonaws.com/b/k?versionId=a%2Fb',
    )
  })

  describe('with an endpoint of its own', () => {
    it('goes there with s3:// and knows its URLs, and only its', () => {
      const places = placesFor({}, minio)
      for (const url of [
        's3://lkft/a/b',
        'http://minio.lab:9000/lkft/a/b',
        'http://minio.lab:9000/lkft/a/b?X-Amz-Signature=1',
      ]) {
        assert.equal(nameOf(places, url), 'http://minio.lab:9000/lkft/a/b', url)
      }
      assert.equal(nameOf(places, 'https://lkft.s3.amazonaws.com/a/b'), 'https://s3.amazonaws.com/lkft/a/b')
      for (const url of [
        'http://minio.lab/lkft/a',
        'https://minio.lab:9000/lkft/a',
        'http://x.minio.lab:9000/lkft/a',
      ]) {
        assert.equal(places.find(new URL(url)), undefined, url)
      }
    })

    it('may be below a path', () => {
      const places = placesFor({ endpoint: 'https://project.example/storage/v1/s3/' })
      assert.equal(nameOf(places, 's3://b/k'), 'https://project.example/storage/v1/s3/b/k')
      assert.equal(keyOf(places, 'https://project.example/storage/v1/s3/b/k'), 'k')
      assert.equal(places.find(new URL('https://project.example/storage/b/k')), undefined)
    })

    it('is asked path style, or as it is told', () => {
      assert.equal(placesFor({}, minio).home('b').addressing, 'path')
      assert.equal(aws.home('b').addressing, 'virtual')
      const virtual = placesFor({ addressing: 'virtual' }, minio)
      assert.equal(nameOf(virtual, 'http://lkft.minio.lab:9000/a'), 'http://minio.lab:9000/lkft/a')
      assert.equal(nameOf(virtual, 'http://minio.lab:9000/lkft/a'), 'http://minio.lab:9000/lkft/a')
    })

    it('is asked path style at an address, which has no names below it', () => {
      const route = { region: undefined, addressing: 'virtual', options: aws.home('b').options } as const
      const at = (base: string): string => bucketUrl({ kind: 'custom', base }, 'lkft', route)
      assert.equal(at('http://minio.lab:9000/s3'), 'http://lkft.minio.lab:9000/s3')
      assert.equal(at('http://127.0.0.1:9000'), 'http://127.0.0.1:9000/lkft')
      assert.equal(at('http://[::1]:9000'), 'http://[::1]:9000/lkft')
    })

    it('keeps a plus in a path what it is, as RFC 3986 has it', () => {
      assert.equal(keyOf(placesFor({}, minio), 'http://minio.lab:9000/b/a+b'), 'a+b')
    })
  })

  it('finds each bucket where its own settings say', () => {
    const places = placesFor(
      {
        region: 'eu-central-1',
        buckets: {
          lab: { endpoint: 'http://garage.lab:3900', region: 'garage', addressing: 'virtual' },
          cloud: { endpoint: 'https://s3.dualstack.eu-west-1.amazonaws.com', profile: 'cloud' },
        },
      },
      minio,
    )
    const [other, lab, cloud] = ['other', 'lab', 'cloud'].map((bucket) => places.home(bucket))
    assert.deepEqual(
      [other?.endpoint, other?.region],
      [{ kind: 'custom', base: 'http://minio.lab:9000' }, 'eu-central-1'],
    )
    assert.deepEqual([lab?.endpoint, lab?.region], [{ kind: 'custom', base: 'http://garage.lab:3900' }, 'garage'])
    assert.deepEqual([cloud?.endpoint.kind, cloud?.options.dualstack, cloud?.profile], ['aws', true, 'cloud'])
    assert.equal(nameOf(places, 'http://lab.garage.lab:3900/k'), 'http://garage.lab:3900/lab/k')
    assert.equal(places.find(new URL('http://other.garage.lab:3900/k')), undefined)
    assert.equal(nameOf(places, 's3://cloud/k'), 'https://s3.amazonaws.com/cloud/k')
  })

  it('takes a region from the URL, the settings, the environment, in that order', () => {
    const env = { ...bareEnv, AWS_REGION: 'eu-west-3', AWS_DEFAULT_REGION: 'eu-west-2' }
    const places = placesFor({ buckets: { b: { region: 'eu-north-1' } } }, env)
    assert.equal(places.home('b', 'eu-south-1').region, 'eu-south-1')
    assert.equal(places.home('b').region, 'eu-north-1')
    assert.equal(places.home('x').region, 'eu-west-3')
    assert.equal(aws.home('x').region, 'us-east-1')
  })

  it('encodes the path of an endpoint as botocore sends and signs it', () => {
    const places = placesFor({}, { ...bareEnv, AWS_ENDPOINT_URL: 'http://minio.lab/a+b (c)/?' })
    assert.equal(nameOf(places, 's3://lkft/plus+sign'), 'http://minio.lab/a%2Bb%20%28c%29/lkft/plus%2Bsign')
    assert.equal(keyOf(places, 'http://minio.lab/a+b%20(c)/lkft/plus+sign'), 'plus+sign')
  })

  it('says what is wrong with an endpoint, and goes nowhere else in silence', () => {
    for (const endpoint of ['minio:9000', 'ftp://minio', 'http://user:secret@minio/', 'http://minio/?x=1']) {
      assert.match(
        placesFor({}, { ...bareEnv, AWS_ENDPOINT_URL: endpoint }).home('b').problem ?? '',
        /no http or https URL/,
      )
    }
  })

  it('names a region that is not valid, and puts it into no host', () => {
    for (const region of ['eu-west-1 ', 'eu-west-1\r', 'example.com/x?', 'eu west']) {
      const { problem } = placesFor({}, { ...bareEnv, AWS_REGION: region }).home('b')
      assert.equal(problem, `its region ${JSON.stringify(region)} is no name of a region; write it as eu-west-1`)
    }
    assert.equal(placesFor({}, { ...minio, AWS_REGION: 'zone_1.lab' }).home('b').problem, undefined)
    assert.match(placesFor({}, { ...minio, AWS_REGION: 'lab ' }).home('b').problem ?? '', /its region "lab "/)
  })
})
