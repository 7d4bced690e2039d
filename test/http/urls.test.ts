import assert from 'node:assert/strict'
import { canonicalUrl, carriesCredential, decodeLenient, displayUrl, fileNameOf } from '#kiss/http/urls.js'

const canonical = (url: string): string => canonicalUrl(new URL(url)).href
const carries = (url: string): boolean => carriesCredential(new URL(url))

const presigned =
  'https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F20260101&X-Amz-Signature=abc'

describe('canonical URLs', () => {
  it('leave userinfo and fragment out', () => {
    assert.equal(canonical('https://user:secret@host/path#part'), 'https://host/path')
    assert.ok(carries('https://user@host/path'))
    assert.ok(!carries('https://host/path#part'))
  })

  it('leave signatures and tokens of every known kind out', () => {
    const signed = [
      presigned,
      'https://h/k?AWSAccessKeyId=AK&Signature=s%3D&Expires=1700000000',
      'https://h/k?Expires=1&Signature=x&Key-Pair-Id=K&Policy=p',
      'https://h/k?X-Goog-Algorithm=a&X-Goog-Signature=b',
      'https://h/k?sv=2022-11-02&se=2026-01-01&sr=b&sp=r&sig=abc%3D',
      'https://h/k?access_token=abc',
      'https://h/k?private_token=glpat-abc',
      'https://h/k?job_token=abc',
      'https://h/k?TOKEN=abc',
      'https://h/k?%74oken=abc',
      'https://h/k?token',
    ]
    for (const url of signed) {
      assert.equal(new URL(canonical(url)).search, '', url)
      assert.ok(carries(url), url)
    }
  })

  it('keep what chooses the content, byte for byte and in its order', () => {
    const query = '?b=%7e+x&a=1&&key=v&Expires=5&sp=r&se=1&policy=p&versionId=abc&tokenizer=1&%zz=1'
    assert.equal(canonical(`https://h/k${query}`), `https://h/k${query}`)
    assert.ok(!carries(`https://h/k${query}`))
    assert.equal(canonical(`https://h/k?a=%7e&token=t&b=+`), 'https://h/k?a=%7e&b=+')
  })

  it('are the same when made canonical again, and leave the argument alone', () => {
    const url = new URL('https://u:p@h/k?Expires=1&Signature=x&a=b&sig=1&se=2#f')
    const before = url.href
    const once = canonicalUrl(url)
    assert.equal(url.href, before)
    assert.equal(canonicalUrl(once).href, once.href)
    assert.equal(canonical('https://h/k?'), 'https://h/k')
  })
})

describe('displayable URLs', () => {
  it('show no query, no userinfo and no fragment', () => {
    assert.equal(displayUrl(presigned), 'https://b.s3.amazonaws.com/k?…')
    assert.equal(displayUrl(new URL('https://u:secret@h:8443/a%20b#frag')), 'https://h:8443/a%20b')
    assert.equal(displayUrl('s3://AK:SK@bucket/key?versionId=1'), 's3://bucket/key?…')
    assert.equal(displayUrl('file:///etc/passwd'), 'file:///etc/passwd')
    assert.equal(displayUrl('data:text'), 'data:text')
    assert.equal(displayUrl(new URL('user:secret@host/path?token=secret')), 'host/path?…')
  })

  it('show of text that is no URL only what can hold no secret', () => {
    assert.equal(displayUrl('http://user:pa/ss@host:port/p?token=secret'), 'host:port/p?…')
    assert.equal(displayUrl('not a url#secret'), 'not a url?…')
    assert.equal(displayUrl('line\nbreak\u001b[31m'), 'line\\nbreak\\u001b[31m')
    assert.ok(displayUrl('x'.repeat(10_000)).length < 250)
  })
})

describe('file names', () => {
  it('are the decoded last segment of the path', () => {
    assert.equal(fileNameOf(new URL('https://h/a/Image.gz?x=/y')), 'Image.gz')
    assert.equal(fileNameOf(new URL('https://h/a%20b.img')), 'a b.img')
    assert.equal(fileNameOf(new URL('https://h/r%C3%A9sum%C3%A9')), 'résumé')
  })

  it('never name another directory or nothing', () => {
    for (const url of ['https://h/', 'https://h/a/', 'https://h/%2e%2e%', 'https://h/x/%2E%2E']) {
      assert.ok(!['', '.', '..'].includes(fileNameOf(new URL(url))), url)
    }
    assert.equal(fileNameOf(new URL('https://h/')), 'download')
    assert.equal(fileNameOf(new URL('https://h/..%2F..%2Fetc%2Fpasswd')), '.._.._etc_passwd')
    assert.equal(fileNameOf(new URL('https://h/a%5Cb%00c%0Ad')), 'a_b_c_d')
    assert.equal(fileNameOf(new URL('https://h/%E2%80%AEgpj.exe')), '_gpj.exe')
  })

  it('have at most 255 bytes and whole characters', () => {
    assert.equal(fileNameOf(`/${'x'.repeat(300)}`).length, 255)
    const name = fileNameOf(`/${encodeURIComponent('é'.repeat(200))}`)
    assert.equal(name, 'é'.repeat(127))
  })

  it('keep invalid percent-encoded UTF-8', () => {
    assert.equal(decodeLenient('100%_%zz_%2F%ff%41%C3%A9%ED%A0%80%C0%AF'), '100%_%zz_/%ffAé%ED%A0%80%C0%AF')
  })
})
