import assert from 'node:assert/strict'
import type { HttpClient } from 'kiss-cache/plugin'
import { Access } from '#s3/access.js'
import { listPages } from '#s3/list.js'
import { parsePage, typedUrl } from '#s3/listing.js'
import { readTyped } from '#s3/object-url.js'
import { readSettings } from '#s3/settings.js'
import { parseUrl } from '#kiss/http/parse-url.js'
import { printable } from '#kiss/printable.js'
import { keyEnv } from './harness.js'

describe('the listing of a bucket', () => {
  /** The keys that `answer` lists, which is given to every request. */
  async function keysOf(answer: string): Promise<string[]> {
    const http: HttpClient = async () => ({ status: 200, headers: {}, body: Buffer.from(answer) })
    const env = { ...keyEnv, AWS_ENDPOINT_URL: 'http://s3.test' }
    const access = new Access({ settings: readSettings({}, env), env, serving: false, now: Date.now, http })
    const { bucket, prefix } = access.places.findBucket(new URL('s3://lkft/'))!
    const signal = new AbortController().signal
    const keys: string[] = []
    for await (const page of listPages({ access, http, bucket, prefix, recursive: true, signal }))
      keys.push(...page.objects.map(({ key }) => key))
    return keys
  }
  const page = (rest: string): string => `<ListBucketResult><Contents><Key>a</Key></Contents>${rest}</ListBucketResult>`
  const cut = '<IsTruncated>true</IsTruncated>'

  it('fails if S3 says that more keys follow and names no next page', async () => {
    assert.deepEqual(await keysOf(page('')), ['a'])
    for (const rest of [
      cut,
      `${cut}<NextMarker>a</NextMarker>`,
      `${cut}<NextContinuationToken></NextContinuationToken>`,
    ])
      await assert.rejects(keysOf(page(rest)), {
        code: 'origin-failed',
        message: /bucket lkft: the listing is cut off/,
      })
  })

  it('has null for the size that an endpoint does not tell', () => {
    const sizes = (rest: string): unknown[] =>
      (
        parsePage(`<ListBucketResult><Contents><Key>a</Key>${rest}</Contents></ListBucketResult>`) ?? assert.fail(rest)
      ).objects.map(({ size }) => size)
    assert.deepEqual(sizes('<Size>12</Size>'), [12])
    for (const rest of ['', '<Size></Size>', '<Size>many</Size>']) assert.deepEqual(sizes(rest), [null], rest)
  })

  it('fails if a page names itself as the next page', async () => {
    const answer = page(`${cut}<NextContinuationToken>x</NextContinuationToken>`)
    await assert.rejects(keysOf(answer), { code: 'origin-failed', message: /bucket lkft: the listing is cut off/ })
  })

  it('has URLs that name their keys on a terminal too', () => {
    for (const key of ['blank ', ' blank', 'a\u202eb', 'a\u2028b', 'a\u061cb', 'a\tb', '👩\u200d🔧', 'a+b', '100%']) {
      const line = printable(typedUrl('lkft', key)).trim()
      assert.equal(readTyped(parseUrl(line))?.rest, key, JSON.stringify(key))
    }
  })
})
