import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import { parseAddress } from '#kiss/http/addresses.js'
import { holdsAddress, namesHost, parseRules, type Rule } from '#kiss/upstream/rules.js'

function rule(text: string): Rule {
  return parseRules([text], 'allow-upstream')[0]!
}

describe('lists of upstreams', () => {
  it('reads hosts, with and without a port', () => {
    assert.deepEqual(rule('example.com'), { text: 'example.com', host: 'example.com' })
    assert.deepEqual(rule(' Example.COM.:8443 '), { text: 'Example.COM.:8443', host: 'example.com', port: 8443 })
    assert.equal(rule('bücher.example').host, 'xn--bcher-kva.example')
    assert.deepEqual(rule('*.example.com:80'), { text: '*.example.com:80', below: 'example.com', port: 80 })
  })

  it('matches a host and, with a star, the hosts below it', () => {
    assert.ok(namesHost(rule('example.com'), 'example.com', 443))
    assert.ok(namesHost(rule('example.com'), 'example.com.', 443))
    assert.ok(!namesHost(rule('example.com'), 'a.example.com', 443))
    assert.ok(namesHost(rule('*.example.com'), 'a.b.example.com', 443))
    assert.ok(!namesHost(rule('*.example.com'), 'example.com', 443))
    assert.ok(!namesHost(rule('*.example.com'), 'badexample.com', 443))
    assert.ok(!namesHost(rule('example.com:8443'), 'example.com', 443))
    assert.ok(!namesHost(rule('10.0.0.0/8'), '10.0.0.1', 443))
  })

  it('reads addresses and networks, IPv6 with a port in brackets', () => {
    const holds = (text: string, address: string, port = 443) => holdsAddress(rule(text), parseAddress(address)!, port)
    assert.ok(holds('10.0.0.0/8', '10.1.2.3'))
    assert.ok(holds('10.0.0.1', '10.0.0.1'))
    assert.ok(!holds('10.0.0.1', '10.0.0.2'))
    assert.ok(holds('10.0.0.0/8:443', '10.1.2.3'))
    assert.ok(!holds('10.0.0.0/8:80', '10.1.2.3'))
    assert.ok(holds('fd00::/8', 'fd00::1'))
    assert.ok(holds('[fd00::1]', 'fd00::1'))
    assert.ok(holds('[fd00::/8]:443', 'fd00::1'))
    assert.ok(!holds('[fd00::/8]:80', 'fd00::1'))
    assert.ok(!holds('example.com', '10.1.2.3'))
  })

  it('says what is wrong with a line', () => {
    const table: readonly (readonly [string, RegExp])[] = [
      ['https://example.com/', /not a URL/],
      ['https://example.com:443/', /not a URL/],
      ['10.0.0.0/33', /a network is written/],
      ['10/8', /a network is written/],
      ['example.com/8', /a network is written/],
      ['example.com:0', /a port is a number/],
      ['example.com:65536', /a port is a number/],
      ['example.com:http', /a port is a number/],
      ['example.com:', /a port is a number/],
      ['[10.0.0.1]:80', /only IPv6/],
      ['127.1', /write the address as 127\.0\.0\.1/],
      ['0x7f000001', /write the address as 127\.0\.0\.1/],
      ['*', /a host is written/],
      ['a.*.com', /a host is written/],
      ['', /a host is written/],
      ['user@host', /a host is written/],
      ['a b', /a host is written/],
      ['fd00::1::', /a host is written/],
    ]
    for (const [text, message] of table) {
      assert.throws(
        () => parseRules(['ok.example', text], 'deny-upstream'),
        (error) => error instanceof KissError && error.code === 'usage' && message.test(error.message),
        text,
      )
    }
    assert.throws(() => parseRules(['*'], 'deny-upstream'), /^KissError: --deny-upstream \*: /)
  })
})
