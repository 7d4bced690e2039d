import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import { Guard } from '#kiss/upstream/guard.js'
import type { UpstreamOptions } from '#kiss/upstream/types.js'

/** The message of the refusal, or 'allowed'. */
function asked(options: UpstreamOptions, url: string): string {
  return told(() => new Guard(options).checkUrl(new URL(url)))
}

function connected(options: UpstreamOptions, address: string, host: string, port = 443): string {
  return told(() => new Guard(options).checkAddress(address, host, port))
}

function told(check: () => void): string {
  try {
    check()
    return 'allowed'
  } catch (error) {
    assert.ok(error instanceof KissError)
    assert.equal(error.code, 'upstream-forbidden')
    return error.message.replace('the settings forbid this connection: ', '')
  }
}

describe('the address guard', () => {
  it('refuses loopback in every spelling of it', () => {
    const hosts = [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      '0x7f.1',
      '127.0.0.1.',
      '127.000.000.001',
    ]
    hosts.push('%31%32%37.0.0.1', '１２７.0.0.1', '127。0。0。1')
    for (const host of hosts) {
      const message = '127.0.0.1 is a loopback address; kiss serve --allow-upstream 127.0.0.0/8 would allow it'
      assert.equal(asked({}, `http://${host}/x`), message, host)
    }
    for (const host of [
      '[::1]',
      '[0:0::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[64:ff9b::7f00:1]',
      '[::127.0.0.1]',
    ]) {
      assert.match(
        asked({}, `http://${host}/x`),
        / is a (loopback|v4-compatible) address; kiss serve --allow-upstream /,
        host,
      )
    }
  })

  it('refuses private and metadata addresses and names what would allow them', () => {
    assert.match(
      asked({}, 'http://169.254.169.254/latest'),
      /link-local address; kiss serve --allow-upstream 169\.254\.0\.0\/16 /,
    )
    assert.match(asked({}, 'http://10.1.2.3/'), /private address; kiss serve --allow-upstream 10\.0\.0\.0\/8 /)
    assert.equal(
      asked({}, 'http://[::ffff:10.1.2.3]/'),
      '::ffff:a01:203 (10.1.2.3) is a private address; kiss serve --allow-upstream 10.0.0.0/8 would allow it',
    )
    assert.match(asked({}, 'http://0/'), /unspecified/)
  })

  it('refuses what a name resolves to, and says both', () => {
    assert.equal(
      connected({}, '127.0.0.1', 'evil.example'),
      'evil.example (127.0.0.1) is a loopback address; kiss serve --allow-upstream 127.0.0.0/8 would allow it',
    )
    assert.equal(connected({}, '93.184.216.34', 'example.com'), 'allowed')
    assert.match(connected({}, '::ffff:127.0.0.1', 'evil.example'), /loopback/)
    assert.match(connected({}, 'fe80::1%eth0', 'evil.example'), /link-local/)
    assert.match(connected({}, 'nonsense', 'evil.example'), /no address that could be checked/)
  })

  it('leaves public addresses and unknown names alone', () => {
    for (const url of [
      'https://example.com/',
      'http://93.184.216.34/',
      'http://[2606:4700::1111]/',
      'http://localhost.example/',
    ]) {
      assert.equal(asked({}, url), 'allowed', url)
    }
  })

  it('takes localhost for what it is, also where a proxy resolves it', () => {
    for (const host of ['localhost', 'LOCALHOST', 'localhost.', 'a.localhost']) {
      assert.match(asked({}, `http://${host}/`), /localhost\.? \(127\.0\.0\.1\) is a loopback address/, host)
    }
    assert.equal(asked({ allow: ['127.0.0.0/8'] }, 'http://localhost/'), 'allowed')
    assert.equal(asked({ allow: ['localhost'] }, 'http://localhost/'), 'allowed')
  })

  it('opens networks and addresses, at a port where one is named', () => {
    assert.equal(asked({ allow: ['127.0.0.0/8'] }, 'http://127.0.0.1/'), 'allowed')
    assert.equal(asked({ allow: ['127.0.0.0/8'] }, 'http://[::ffff:127.0.0.1]/'), 'allowed')
    assert.match(asked({ allow: ['127.0.0.0/8'] }, 'http://10.0.0.1/'), /private/)
    assert.equal(asked({ allow: ['10.0.0.1:8080'] }, 'http://10.0.0.1:8080/'), 'allowed')
    assert.match(asked({ allow: ['10.0.0.1:8080'] }, 'http://10.0.0.1/'), /private/)
    assert.equal(asked({ allow: ['[fd00::/8]:443'] }, 'https://[fd00::1]/'), 'allowed')
    assert.match(asked({ allow: ['[fd00::/8]:443'] }, 'http://[fd00::1]/'), /private/)
    assert.match(asked({ allow: ['64:ff9b::/96'] }, 'http://[64:ff9b::10.0.0.1]/'), /private/)
  })

  it('lets an allowed host have private addresses, and denies nothing else for that', () => {
    const allow = ['files.lab', '*.storage.lab:9000']
    assert.equal(connected({ allow }, '10.0.0.7', 'files.lab'), 'allowed')
    assert.equal(connected({ allow }, '10.0.0.7', 'a.storage.lab', 9000), 'allowed')
    assert.match(connected({ allow }, '10.0.0.7', 'a.storage.lab', 9001), /private/)
    assert.match(connected({ allow }, '10.0.0.7', 'other.lab'), /private/)
    assert.equal(connected({ allow }, '93.184.216.34', 'example.com'), 'allowed')
  })

  it('lets deny win, by name, by network and by port', () => {
    const both = {
      allow: ['10.0.0.0/8', 'bad.lab'],
      deny: ['10.9.0.0/16', 'bad.lab', '*.evil.example', '0.0.0.0/0:22'],
    }
    assert.equal(asked(both, 'http://10.8.0.1/'), 'allowed')
    assert.equal(asked(both, 'http://10.9.0.1/'), '--deny-upstream 10.9.0.0/16 forbids 10.9.0.1:80')
    assert.equal(
      asked(both, 'http://[::ffff:10.9.0.1]/'),
      '--deny-upstream 10.9.0.0/16 forbids ::ffff:a09:1 (10.9.0.1):80',
    )
    assert.equal(asked(both, 'http://bad.lab./'), '--deny-upstream bad.lab forbids bad.lab.:80')
    assert.equal(asked(both, 'https://a.evil.example/'), '--deny-upstream *.evil.example forbids a.evil.example:443')
    assert.match(
      connected(both, '10.9.0.1', 'good.lab'),
      /--deny-upstream 10\.9\.0\.0\/16 forbids good\.lab \(10\.9\.0\.1\)/,
    )
    assert.match(connected(both, '10.8.0.1', 'bad.lab'), /--deny-upstream bad\.lab/)
    assert.match(asked(both, 'http://93.184.216.34:22/'), /--deny-upstream 0\.0\.0\.0\/0:22/)
  })

  it('without the guard keeps the deny list only', () => {
    assert.equal(asked({ guard: false }, 'http://127.0.0.1/'), 'allowed')
    assert.equal(asked({ guard: false }, 'http://localhost/'), 'allowed')
    assert.match(asked({ guard: false, deny: ['127.0.0.1'] }, 'http://127.0.0.1/'), /--deny-upstream/)
  })

  it('refuses lists that it cannot read', () => {
    assert.throws(() => new Guard({ allow: ['http://x/'] }), { code: 'usage' })
    assert.throws(() => new Guard({ deny: ['*'] }), { code: 'usage' })
  })
})
