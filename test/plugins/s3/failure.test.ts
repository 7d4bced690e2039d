import assert from 'node:assert/strict'
import { errorCode, isExpired, isWrongRegion, namedRegion } from '#s3/failure.js'

const failure = (status: number, excerpt = '', headers: Record<string, string> = {}) => ({ status, excerpt, headers })
const xml = (inner: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inner}</Error>`

describe('failures of S3', () => {
  it('have the code that stands in the XML', () => {
    for (const code of [
      'AccessDenied',
      'NoSuchKey',
      'InvalidAccessKeyId',
      'SlowDown',
      'InvalidURI',
      'NoSuchCORSConfiguration',
    ]) {
      assert.equal(errorCode(failure(400, xml(`<Code>${code}</Code>`))), code)
    }
  })

  it('have none where there is no code of S3', () => {
    for (const excerpt of [
      '',
      'no',
      xml('<Code></Code>'),
      xml('<Code>AKIAIOSFODNN7EXAMPLE</Code>'),
      xml('<Code>access denied</Code>'),
      xml('<Code>Acc'),
      xml(`<Code>A${'a'.repeat(100)}</Code>`),
    ]) {
      assert.equal(errorCode(failure(400, excerpt)), undefined, excerpt)
    }
  })

  it('name the right region in a header, in the body, or by an endpoint', () => {
    assert.equal(namedRegion(failure(301, '', { 'x-amz-bucket-region': 'eu-west-1' })), 'eu-west-1')
    assert.equal(namedRegion(failure(400, xml('<Region>garage</Region>'))), 'garage')
    assert.equal(namedRegion(failure(301, xml('<Endpoint>b.s3-eu-west-1.amazonaws.com</Endpoint>'))), 'eu-west-1')
    assert.equal(namedRegion(failure(301, xml('<Endpoint>evil.example</Endpoint>'))), undefined)
  })

  it('are about the region when they say so, or say nothing but the region', () => {
    const header = { 'x-amz-bucket-region': 'eu-west-1' }
    assert.ok(isWrongRegion(failure(301, xml('<Code>PermanentRedirect</Code>'))))
    assert.ok(isWrongRegion(failure(400, xml('<Code>AuthorizationHeaderMalformed</Code>'))))
    assert.ok(isWrongRegion(failure(301, '', header)) && isWrongRegion(failure(400, '', header)))
    assert.ok(!isWrongRegion(failure(403, '', header)) && !isWrongRegion(failure(301)))
    assert.ok(!isWrongRegion(failure(400, xml('<Code>InvalidArgument</Code>'), header)))
  })

  it('are about age when they say so, or are a bare 400 to HEAD', () => {
    assert.ok(isExpired(failure(400, xml('<Code>ExpiredToken</Code>'))) && isExpired(failure(400)))
    assert.ok(isExpired(failure(403, xml('<Code>AccessDenied</Code><Message>Request has expired</Message>'))))
    assert.ok(!isExpired(failure(403, xml('<Code>AccessDenied</Code><Message>Access Denied</Message>'))))
    assert.ok(!isExpired(failure(403)) && !isExpired(failure(400, 'Bad Request')))
  })
})
