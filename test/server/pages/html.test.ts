import assert from 'node:assert/strict'
import { hostOf } from '#kiss/http/urls.js'
import { count, pathOf, percent, readable, times } from '#kiss/server/pages/format.js'
import { html } from '#kiss/server/pages/html.js'
import { kissUrl, parseAsked } from '#kiss/server/pages/kiss-url.js'
import { flightsOf } from '#kiss/server/snapshots.js'

describe('a template', () => {
  it('escapes what stands in it, in text and in attributes', () => {
    const hostile = `<b title="x" id='y'>&amp;`
    assert.equal(
      html`<p title="${hostile}">${hostile}</p>`.text,
      '<p title="&lt;b title=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;">&lt;b title=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;</p>',
    )
  })

  it('takes other templates and lists of them as they are, and nothing for nothing', () => {
    const items = ['<', 2].map((item) => html`<i>${item}</i>`)
    const nothing = [undefined, null, false] as const
    assert.equal(html`<b>${items}${nothing}</b>`.text, '<b><i>&lt;</i><i>2</i></b>')
  })

  it('makes characters visible that would hide or turn others', () => {
    assert.equal(html`${'a\u202egpj.exe\u0000\u200b\nb'}`.text, 'a\ufffdgpj.exe\ufffd\ufffd\nb')
  })
})

describe('what pages show', () => {
  it('is written for people', () => {
    assert.deepEqual([count(0), count(999), count(1_234_567)], ['0', '999', '1,234,567'])
    assert.deepEqual([times(undefined), times(1), times(51.27), times(512.7)], ['–', '1.00 ×', '51.3 ×', '513 ×'])
    assert.deepEqual(
      [percent(undefined), percent(0), percent(0.5), percent(0.9999), percent(1)],
      ['–', '0 %', '50 %', '99.9 %', '100 %'],
    )
  })

  it('tells host and path of any URL', () => {
    assert.deepEqual([hostOf('https://h:1/p/q?…'), pathOf('https://h:1/p/q?…')], ['h:1', '/p/q?…'])
    assert.deepEqual([hostOf('s3://bucket/key'), pathOf('nothing')], ['bucket', 'nothing'])
  })

  it('is a URL of the cache only for what is a URL', () => {
    assert.equal(
      kissUrl('http://k/', 'https://a/?x=1&y=2'),
      'http://k/api/v1/fetch?url=https%3A%2F%2Fa%2F%3Fx%3D1%26y%3D2',
    )
    assert.deepEqual(['', 'a.example/b', 'javascript:alert(1)', 'https://'].map(parseAsked), Array(4).fill(undefined))
    assert.equal(parseAsked(' s3://bucket/key '), 's3://bucket/key')
  })
})

describe('the rate of a download', () => {
  const download = {
    url: 'u',
    state: 'downloading' as const,
    received: 100,
    length: undefined,
    readers: 1,
    startedAt: 0,
    private: false,
  }

  it('is that of the last moments, or of all its time', () => {
    const before = { at: 8_000, downloads: [{ ...download, received: 60 }] }
    assert.equal(flightsOf({ at: 10_000, downloads: [download] }, before)[0]?.rate, 20)
    assert.equal(flightsOf({ at: 10_000, downloads: [download] }, undefined)[0]?.rate, 10)
    assert.equal(flightsOf({ at: 0, downloads: [download] }, undefined)[0]?.rate, 0)
  })

  it('is not below nothing when a download began anew', () => {
    const before = { at: 8_000, downloads: [{ ...download, received: 600 }] }
    assert.equal(flightsOf({ at: 10_000, downloads: [download] }, before)[0]?.rate, 0)
  })
})

describe('URLs for people', () => {
  it('decode names, and say where that hides something', () => {
    assert.deepEqual(readable('a%20b-%C3%BC.img'), { text: 'a b-ü.img', hides: false })
    for (const name of ['a%2Fb', 'a%25b', 'a%3Fb', 'a%23b', '%E2%80%AEgpj.exe', 'a%00b', 'a%20', 'a%20%20b']) {
      assert.equal(readable(name).hides, true, name)
    }
    assert.deepEqual(readable('100%.img'), { text: '100%.img', hides: false })
  })
})
