import assert from 'node:assert/strict'
import { awsHost, fitsHostname, isAwsRegion, parseAwsHost, partitionOf } from '#s3/aws-hosts.js'

type Said = [bucket: string | undefined, region: string | undefined, partition: string, options: string]

const hosts: [host: string, said: Said][] = [
  ['s3.amazonaws.com', [undefined, undefined, 'aws', '']],
  ['lkft.s3.amazonaws.com', ['lkft', undefined, 'aws', '']],
  ['my.dotted.bucket.s3.amazonaws.com', ['my.dotted.bucket', undefined, 'aws', '']],
  ['s3.s3.amazonaws.com', ['s3', undefined, 'aws', '']],
  ['s3-external-1.amazonaws.com', [undefined, undefined, 'aws', '']],
  ['s3.eu-west-1.amazonaws.com', [undefined, 'eu-west-1', 'aws', '']],
  ['s3-eu-west-1.amazonaws.com', [undefined, 'eu-west-1', 'aws', '']],
  ['lkft.s3-ap-southeast-2.amazonaws.com', ['lkft', 'ap-southeast-2', 'aws', '']],
  ['lkft.s3.mx-central-1.amazonaws.com', ['lkft', 'mx-central-1', 'aws', '']],
  ['s3.us-gov-west-1.amazonaws.com', [undefined, 'us-gov-west-1', 'aws-us-gov', '']],
  ['s3-fips-us-gov-west-1.amazonaws.com', [undefined, 'us-gov-west-1', 'aws-us-gov', 'fips']],
  ['lkft.s3-fips.us-east-2.amazonaws.com', ['lkft', 'us-east-2', 'aws', 'fips']],
  ['lkft.s3.dualstack.us-east-2.amazonaws.com', ['lkft', 'us-east-2', 'aws', 'dualstack']],
  ['s3-fips.dualstack.us-east-2.amazonaws.com', [undefined, 'us-east-2', 'aws', 'dualstack fips']],
  ['lkft.s3-accelerate.amazonaws.com', ['lkft', undefined, 'aws', 'accelerate']],
  ['lkft.s3-accelerate.dualstack.amazonaws.com', ['lkft', undefined, 'aws', 'dualstack accelerate']],
  ['lkft.s3.cn-north-1.amazonaws.com.cn', ['lkft', 'cn-north-1', 'aws-cn', '']],
  ['s3.eusc-de-east-1.amazonaws.eu', [undefined, 'eusc-de-east-1', 'aws-eusc', '']],
  ['s3.us-iso-east-1.c2s.ic.gov', [undefined, 'us-iso-east-1', 'aws-iso', '']],
  ['s3.us-isob-east-1.sc2s.sgov.gov', [undefined, 'us-isob-east-1', 'aws-iso-b', '']],
  ['s3.eu-isoe-west-1.cloud.adc-e.uk', [undefined, 'eu-isoe-west-1', 'aws-iso-e', '']],
  ['s3.us-isof-south-1.csp.hci.ic.gov', [undefined, 'us-isof-south-1', 'aws-iso-f', '']],
]

const others = [
  'amazonaws.com',
  'ec2.us-east-1.amazonaws.com',
  'lkft.s3-website-us-east-1.amazonaws.com',
  'lkft.s3-website.eu-central-1.amazonaws.com',
  'name-123456789012.s3-accesspoint.us-west-2.amazonaws.com',
  '123456789012.s3-control.us-west-2.amazonaws.com',
  'b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com',
  's3-accelerate.amazonaws.com',
  's3.amazonaws.com.example.com',
  'xs3.amazonaws.com',
  's3.amazonaws.com.evil',
  'notamazonaws.com',
  's3.cn-north-1.amazonaws.com',
  's3.us-east-1.amazonaws.com.cn',
]

describe('host names of AWS', () => {
  for (const [host, said] of hosts) {
    it(`reads ${host}`, () => {
      const parsed = parseAwsHost(host)
      const options = (['dualstack', 'fips', 'accelerate'] as const).filter((option) => parsed?.[option]).join(' ')
      assert.deepEqual([parsed?.bucket, parsed?.region, parsed?.partition.name, options], said)
    })
  }

  for (const host of others) {
    it(`leaves ${host} alone`, () => assert.equal(parseAwsHost(host), undefined))
  }

  it('makes hosts that it reads again, in every partition', () => {
    const regions = hosts.flatMap(([, [, region]]) => (region === undefined ? [] : [region]))
    for (const region of new Set(regions)) {
      const partition = partitionOf(region)
      for (const fips of [false, true]) {
        for (const dualstack of [false, true]) {
          const host = awsHost(partition, region, { fips, dualstack, accelerate: false })
          assert.deepEqual(parseAwsHost(host), {
            partition,
            region,
            fips,
            dualstack,
            accelerate: false,
            bucket: undefined,
          })
        }
      }
    }
  })

  it('names a region only where AWS needs one', () => {
    const plain = { fips: false, dualstack: false, accelerate: false }
    assert.equal(awsHost(partitionOf('eu-west-1'), undefined, plain), 's3.amazonaws.com')
    assert.equal(
      awsHost(partitionOf('eu-west-1'), undefined, { ...plain, fips: true }),
      's3-fips.us-east-1.amazonaws.com',
    )
    assert.equal(awsHost(partitionOf('cn-northwest-1'), undefined, plain), 's3.cn-north-1.amazonaws.com.cn')
    assert.equal(
      awsHost(partitionOf('eu-west-1'), 'eu-west-1', { ...plain, accelerate: true }),
      's3-accelerate.amazonaws.com',
    )
  })

  it('takes nothing for a region that could lead elsewhere', () => {
    for (const text of ['', 'evil.example', 'us-east-1.evil.example', 'us-east-1/', 'US-EAST-1', '-1', 'us_east_1']) {
      assert.equal(isAwsRegion(text), false, text)
    }
    assert.ok(isAwsRegion('us-east-1') && isAwsRegion('us-gov-west-1') && isAwsRegion('eusc-de-east-1'))
  })

  it('keeps buckets with dots and capitals out of host names', () => {
    assert.deepEqual(['lkft', 'a.b', 'Old_Bucket', '-x-', 'ab'].map(fitsHostname), [true, false, false, false, false])
  })
})
