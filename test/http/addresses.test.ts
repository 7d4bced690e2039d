import assert from 'node:assert/strict'
import { contains, parseAddress, parseCidr, showAddress } from '#kiss/http/addresses.js'
import { formsOf, restriction } from '#kiss/upstream/restrictions.js'

/** What each form of an address is called, where it is restricted. */
function verdict(text: string): string[] {
  const address = parseAddress(text)
  assert.ok(address !== undefined, `${text} is an address`)
  return formsOf(address).flatMap((form) => restriction(form)?.what ?? [])
}

describe('addresses', () => {
  it('reads every spelling of an address as the same number', () => {
    for (const text of ['::ffff:1.2.3.4', '::FFFF:0102:0304', '0:0:0:0:0:ffff:1.2.3.4', '::ffff:1.2.3.4%eth0']) {
      assert.deepEqual(parseAddress(text), { family: 6, value: 0xffff01020304n }, text)
    }
    assert.deepEqual(parseAddress('1.2.3.4'), { family: 4, value: 0x01020304n })
    assert.deepEqual(parseAddress('::'), { family: 6, value: 0n })
    assert.deepEqual(parseAddress('1::'), { family: 6, value: 1n << 112n })
    assert.deepEqual(parseAddress('1:2:3:4:5:6:7:8'), { family: 6, value: 0x00010002000300040005000600070008n })
  })

  it('reads nothing else as an address', () => {
    for (const text of [
      '',
      'host',
      '1.2.3',
      '0x7f.0.0.1',
      '010.0.0.1',
      '256.1.1.1',
      '[::1]',
      ':::',
      '1::2::3',
      '1.2.3.4 ',
    ]) {
      assert.equal(parseAddress(text), undefined, text)
    }
  })

  it('shows an address in one form', () => {
    const shown = (text: string) => showAddress(parseAddress(text) ?? { family: 4, value: 0n })
    assert.equal(shown('255.1.2.3'), '255.1.2.3')
    assert.equal(shown('2001:DB8:0:0:0:0:0:1'), '2001:db8::1')
    assert.equal(shown('::'), '::')
  })

  it('reads networks, and an address as a network of one', () => {
    assert.deepEqual(parseCidr('10.0.0.0/8'), { family: 4, value: 0x0a000000n, bits: 8 })
    assert.deepEqual(parseCidr('10.0.0.1'), { family: 4, value: 0x0a000001n, bits: 32 })
    assert.deepEqual(parseCidr('::/0'), { family: 6, value: 0n, bits: 0 })
    assert.deepEqual(parseCidr('::ffff:10.0.0.0/104'), { family: 4, value: 0x0a000000n, bits: 8 })
    for (const text of ['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/-1', '10/8', '/8', '10.0.0.0/8/8', 'a/8']) {
      assert.equal(parseCidr(text), undefined, text)
    }
  })

  it('knows the first and the last address of a network, and the ones beside it', () => {
    const inside = (network: string, address: string) => contains(parseCidr(network)!, parseAddress(address)!)
    for (const [network, first, last, before, after] of [
      ['172.16.0.0/12', '172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
      ['100.64.0.0/10', '100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
      ['fc00::/7', 'fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fbff::', 'fe00::'],
      ['10.1.2.3/8', '10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
    ] as const) {
      assert.deepEqual(
        [first, last, before, after].map((address) => inside(network, address)),
        [true, true, false, false],
      )
    }
    assert.equal(inside('0.0.0.0/0', '1.2.3.4'), true)
    assert.equal(inside('::/0', '1.2.3.4'), false)
  })

  it('restricts what is not public', () => {
    const table: readonly (readonly [string, ...string[]])[] = [
      ['an unspecified address', '0.0.0.0', '0.1.2.3'],
      ['the unspecified address', '::'],
      ['a loopback address', '127.0.0.1', '127.255.255.255', '::1'],
      ['a private address', '10.0.0.0', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
      ['a private address', 'fc00::1', 'fd12:3456::1', 'fec0::1'],
      ['a carrier-grade NAT address', '100.64.0.1', '100.127.255.255'],
      ['a link-local address', '169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
      ['a multicast address', '224.0.0.1', '239.255.255.255', 'ff02::1'],
      ['the broadcast address', '255.255.255.255'],
      ['a reserved address', '240.0.0.1', '192.0.0.8', '192.88.99.1', '100::1', '5f00::1', '4000::1', '2001:10::1'],
      ['a documentation address', '192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff:fff::1'],
      ['a benchmarking address', '198.18.0.1', '198.19.255.255', '2001:2::1'],
    ]
    for (const [what, ...addresses] of table) {
      for (const address of addresses) assert.deepEqual(verdict(address), [what], address)
    }
  })

  it('leaves public addresses alone, also mapped and translated', () => {
    const addresses = ['1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255']
    addresses.push('128.0.0.0', '169.253.255.255', '172.32.0.0', '192.167.255.255', '198.17.255.255', '223.255.255.255')
    addresses.push('2001:4860:4860::8888', '2606:4700::1111', '2a00::1', '::ffff:1.1.1.1', '64:ff9b::1.1.1.1')
    for (const address of addresses) assert.deepEqual(verdict(address), [], address)
  })

  it('judges the IPv4 address inside every form that embeds one', () => {
    assert.deepEqual(verdict('::ffff:127.0.0.1'), ['a loopback address'])
    assert.deepEqual(verdict('::ffff:a9fe:a9fe'), ['a link-local address'])
    assert.deepEqual(verdict('64:ff9b::10.0.0.1'), ['a private address'])
    assert.deepEqual(verdict('::127.0.0.1'), ['a v4-compatible address', 'a loopback address'])
    assert.deepEqual(verdict('::ffff:0:10.0.0.1'), ['a translated address', 'a private address'])
    assert.deepEqual(verdict('2002:7f00:1::'), ['a 6to4 address', 'a loopback address'])
    assert.deepEqual(verdict('2001:0:a00:1::80ff:fffe'), [
      'a Teredo address',
      'a private address',
      'a loopback address',
    ])
  })

  it('restricts tunnels and local translations whatever they lead to', () => {
    assert.deepEqual(verdict('2002:101:101::1'), ['a 6to4 address'])
    assert.deepEqual(verdict('2001:0:101:101::fefe:fefe'), ['a Teredo address'])
    assert.deepEqual(verdict('64:ff9b:1::1.1.1.1'), ['a translated address'])
    assert.deepEqual(verdict('::1.1.1.1'), ['a v4-compatible address'])
  })
})
