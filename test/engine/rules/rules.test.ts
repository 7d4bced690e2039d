import assert from 'node:assert/strict'
import { narrowed, Rules } from '#kiss/engine/rules/rules.js'
import { placeOf } from '#kiss/engine/rules/sums.js'
import { sumIn } from '#kiss/http/sums.js'

const rule = (match: string | string[], more = {}) => ({ match: [match].flat(), place: 'kiss.yaml:1', ...more })

describe('the rules for URLs', () => {
  it('are looked through in order, and the first that matches decides', () => {
    const [builds, latest, both, host] = [
      rule('https://a.example/builds/**'),
      rule('https://**/latest/**'),
      rule(['https://b.example/x/', 'http://c.example/*.deb']),
      rule('https://D.example:443'),
    ]
    const rules = new Rules([builds, latest, both, host])
    const table: [url: string, expected: object | undefined][] = [
      ['https://a.example/builds/1/Image', builds],
      ['https://a.example/builds/latest/Image', builds],
      ['https://a.example/other/latest/Image', latest],
      ['https://z.example/latest/', latest],
      ['https://b.example/x/deep/er', both],
      ['https://b.example/x', undefined],
      ['http://c.example/a.deb', both],
      ['http://c.example/pool/a.deb', undefined],
      ['https://c.example/a.deb', undefined],
      ['https://d.example/x/y', host],
    ]
    for (const [url, expected] of table) {
      assert.equal(rules.of(new URL(url)), expected, url)
      assert.equal(rules.of(`${url}?…`), expected, `${url} with a query`)
    }
  })

  it('can be exchanged, and stay as they are where the new ones cannot be used', () => {
    const rules = new Rules([rule('https://a/**', { ttl: 1 })])
    assert.throws(() => rules.replace([rule('a/**')]), /kiss\.yaml:1: match: "a\/\*\*" is no pattern of URLs/)
    assert.equal(rules.of('https://a/x')?.ttl, 1)
    rules.replace([rule('https://a/**', { ttl: 2 })])
    assert.equal(rules.of('https://a/x')?.ttl, 2)
  })

  it('let a client narrow a lifetime and not widen it', () => {
    const table: [client: number | undefined, rule: number | undefined, expected: number | undefined][] = [
      [undefined, undefined, undefined],
      [5, undefined, 5],
      [undefined, 7, 7],
      [5, 7, 5],
      [9, 7, 7],
      [0, 7, 0],
    ]
    for (const [client, ttl, expected] of table) assert.equal(narrowed(client, rule('https://a/', { ttl })), expected)
  })
})

describe('the sum of a file', () => {
  const [a, b] = ['a'.repeat(64), 'B'.repeat(64)]

  it('stands beside it, under a name that has a star for its own', () => {
    const url = new URL('https://h.example/d/Image%20x.gz?token=1')
    assert.equal(placeOf('*.sha256', url).href, 'https://h.example/d/Image%20x.gz.sha256')
    assert.equal(placeOf('SHA256SUMS', url).href, 'https://h.example/d/SHA256SUMS')
    assert.equal(placeOf('https://sums.example/*.txt', url).href, 'https://sums.example/Image%20x.gz.txt')
    for (const name of ['arm64:1.0.img', '$&.img', "a$'b"]) {
      assert.equal(
        placeOf('*.sha256', new URL(`https://h.example/d/${name}`)).href,
        `https://h.example/d/${name}.sha256`,
      )
    }
  })

  it('is that of its folder where files of other folders have its name', () => {
    const text = `${a}  ./cdrom/linux\n${'c'.repeat(64)}  linux\n${b} *./netboot/amd64/linux\n`
    assert.equal(sumIn(text, '/images/netboot/amd64/linux'), b.toLowerCase())
    assert.equal(sumIn(text, '/images/cdrom/linux'), a)
    assert.equal(sumIn(text, '/images/linux'), 'c'.repeat(64))
    assert.equal(sumIn(text.replace('linux\n', 'linux2\n'), '/images/hd-media/vmlinuz'), undefined)
  })

  it('is found in every format of sha256sum, and nowhere else', () => {
    const table: [text: string, expected: string | undefined][] = [
      [a, a],
      [`${b}\n`, b.toLowerCase()],
      [`${a}  x\n${b}  f\n`, b.toLowerCase()],
      [`${a} *./dir/f\r\n`, a],
      [`SHA256 (f) = ${a}\nSHA256 (x) = ${b}`, a],
      [`${a}  x`, undefined],
      [`${a}  f\n${b}  f`, undefined],
      [`${a}\n${b}`, undefined],
      ['<html>', undefined],
      ['', undefined],
    ]
    for (const [text, expected] of table) assert.equal(sumIn(text, '/f'), expected, text)
  })
})
