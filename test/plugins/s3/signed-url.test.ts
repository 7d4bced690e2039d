import assert from 'node:assert/strict'
import { contentParameters, holdsCredential, isSigned } from '#s3/signed-url.js'

const at = (query: string): URL => new URL(`https://files.example/o?${query}`)

describe('URLs signed by somebody else', () => {
  const signed: [by: string, query: string][] = [
    [
      'Signature Version 4',
      'X-Amz-Algorithm=A&X-Amz-Credential=c&X-Amz-Date=d&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=s',
    ],
    [
      'Signature Version 4 of a session',
      'X-Amz-Signature=s&X-Amz-Security-Token=t&x-amz-checksum-mode=ENABLED&x-id=GetObject',
    ],
    ['Signature Version 2', 'AWSAccessKeyId=A&Expires=1&Signature=s%3D&x-amz-security-token=t'],
    ['Google, V4', 'X-Goog-Algorithm=A&X-Goog-Credential=c&X-Goog-Signature=s'],
    ['Google, V2', 'GoogleAccessId=A&Expires=1&Signature=s'],
    ['Alibaba', 'OSSAccessKeyId=A&Expires=1&Signature=s&security-token=t'],
    ['CloudFront', 'Expires=1&Signature=s&Key-Pair-Id=K'],
    ['CloudFront, with a policy', 'Policy=p&Signature=s&Key-Pair-Id=K&Hash-Algorithm=SHA256'],
    ['two of them', 'Expires=1&Signature=s&Key-Pair-Id=K&X-Amz-Signature=s&X-Amz-Date=d'],
    ['one that writes its names oddly', 'x%2Damz-signature=s&X-AMZ-DATE=d'],
  ]
  for (const [by, query] of signed) {
    it(`are known and bare when signed by ${by}`, () => {
      const url = at(`versionId=1&${query}&a=b+c&response-content-disposition=x`)
      assert.ok(isSigned(url) && holdsCredential(url))
      assert.deepEqual(contentParameters(url), ['versionId=1', 'a=b+c'])
    })
  }

  it('are not those that only look like it', () => {
    for (const query of ['', 'Signature=s', 'Expires=1&Signature=s', 'X-Amz-Date=1', 'q=X-Amz-Signature', '=&&a']) {
      assert.ok(!isSigned(at(query)), query)
    }
    assert.ok(holdsCredential(at('X-Amz-Security-Token=t')) && !holdsCredential(at('X-Amz-Date=1')))
  })
})
