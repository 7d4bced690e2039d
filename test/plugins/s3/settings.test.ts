import assert from 'node:assert/strict'
import { readSettings } from '#s3/settings.js'

describe('the section s3 of the settings', () => {
  it('may be missing or empty', () => {
    for (const section of [undefined, null, {}]) {
      const { buckets, lend, share } = readSettings(section, {})
      assert.deepEqual([buckets.size, lend.size, share], [0, 0, 'all'])
    }
  })

  it('says things of all buckets and of each', () => {
    const settings = readSettings(
      {
        endpoint: 'https://minio.lab:9000/',
        region: 'lab-1',
        share: 'probe',
        lend: ['lkft'],
        buckets: {
          lkft: { addressing: 'virtual', 'requester-pays': true, anonymous: false, profile: 'ci' },
          bare: null,
        },
      },
      {},
    )
    assert.deepEqual([settings.endpoint, settings.region, settings.share], ['https://minio.lab:9000', 'lab-1', 'probe'])
    assert.deepEqual(settings.buckets.get('lkft'), {
      addressing: 'virtual',
      requesterPays: true,
      anonymous: false,
      profile: 'ci',
    })
    assert.deepEqual(settings.buckets.get('bare'), {})
    assert.ok(settings.lend.has('lkft'))
  })

  it('takes the lent buckets from KISS_S3_BUCKETS first', () => {
    const { lend } = readSettings({ lend: ['file'] }, { KISS_S3_BUCKETS: ' lkft, other,,' })
    assert.deepEqual([...lend], ['lkft', 'other'])
    assert.deepEqual([...readSettings({ lend: ['file'] }, { KISS_S3_BUCKETS: '' }).lend], [])
    assert.ok(readSettings({}, { KISS_S3_BUCKETS: '*' }).lend.has('*'))
  })

  const wrong: [section: unknown, message: RegExp][] = [
    ['lkft', /^s3 must be a mapping$/],
    [[], /^s3 must be a mapping$/],
    [{ regoin: 'x' }, /^s3: unknown key regoin; known are endpoint/],
    [{ toString: 1 }, /^s3: unknown key toString/],
    [{ region: 'us east' }, /^s3.region must be the name of a region$/],
    [{ endpoint: 'minio:9000' }, /^s3.endpoint must be an http or https URL$/],
    [{ share: 'some' }, /^s3.share must be all, probe or never$/],
    [{ lend: 'lkft' }, /^s3.lend must be a list of buckets$/],
    [{ lend: ['a/b'] }, /^s3.lend: a\/b is not the name of a bucket/],
    [{ buckets: [] }, /^s3.buckets must be a mapping$/],
    [{ buckets: { 'a/b': {} } }, /^s3.buckets: a\/b is not the name of a bucket$/],
    [{ buckets: { lkft: { addressing: 'dns' } } }, /^s3.buckets.lkft.addressing must be path or virtual$/],
    [{ buckets: { lkft: { anonymous: 'yes' } } }, /^s3.buckets.lkft.anonymous must be true or false$/],
    [{ buckets: { lkft: { lend: [] } } }, /^s3.buckets.lkft: unknown key lend/],
  ]
  for (const [section, message] of wrong) {
    it(`refuses ${JSON.stringify(section)}`, () => assert.throws(() => readSettings(section, {}), { message }))
  }

  it('refuses what is no bucket in KISS_S3_BUCKETS', () => {
    assert.throws(
      () => readSettings({}, { KISS_S3_BUCKETS: 's3://lkft' }),
      /^Error: KISS_S3_BUCKETS: s3:\/\/lkft is not/,
    )
  })
})
