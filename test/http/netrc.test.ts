import assert from 'node:assert/strict'
import { basicCredential, parseNetrc } from '#kiss/http/netrc.js'

const cases: Readonly<Record<string, [string, Readonly<Record<string, [string, string]>>]>> = {
  'one line': ['machine h login a password b', { h: ['a', 'b'] }],
  'several lines, in any order': ['machine H\n\tpassword b\r\n  login a\n', { h: ['a', 'b'] }],
  'several hosts; the first entry of one counts': [
    'machine h login a password b machine g login c password d\nmachine h login e password f',
    { h: ['a', 'b'], g: ['c', 'd'] },
  ],
  'a default, which names no host': ['machine h login a password b\ndefault login x password y', { h: ['a', 'b'] }],
  'quotes, comments and accounts': [
    '# machine c login c password c\nmachine h login "a b" account z password "q\\"#"',
    { h: ['a b', 'q"#'] },
  ],
  'a macro, up to an empty line': [
    'macdef init\nmachine x login y password z\n\nmachine h login a password b',
    { h: ['a', 'b'] },
  ],
  'a login alone': ['machine h login token', { h: ['token', ''] }],
  'nothing that counts': ['machine\nlogin a\npassword', {}],
}

describe('.netrc', () => {
  for (const [what, [text, expected]] of Object.entries(cases)) {
    it(`.netrc with ${what}`, () => {
      const found = [...parseNetrc(text)].map(([host, { name, password }]) => [host, [name, password]])
      assert.deepEqual(Object.fromEntries(found), expected)
    })
  }

  it('writes a login as RFC 7617 does', () => {
    assert.equal(basicCredential({ name: 'Aladdin', password: 'open sesame' }), 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==')
  })
})
