import assert from 'node:assert/strict'
import { warnings } from '#lava/editing.js'
import { parseJob } from '#lava/parse.js'
import { restore, rewrite, type RewriteOptions } from '#lava/rewrite.js'
import { deployRules } from '#lava/rules.js'
import { samples, server } from './samples.js'

function rewritten(text: string, options: Partial<RewriteOptions> = {}): string {
  return rewrite(parseJob('job.yaml', text), { server, ...options }).text
}

function restored(text: string): string {
  return restore(parseJob('job.yaml', text), server).text
}

describe('rewriting a LAVA job', () => {
  it('has a sample for every method of the table', () => {
    const names = new Set(samples.map(({ name }) => name))
    const without = Object.keys(deployRules).filter((method) => !names.has(`to-${method}`))
    assert.deepEqual(without, ['docker', 'overlay', 'lxc', 'ssh'], 'these share to-nothing.yaml')
  })

  for (const { name, text, rewritten: expected, said } of samples) {
    describe(`${name}.yaml`, () => {
      it('changes the places that the rules name and no other byte', () => assert.equal(rewritten(text), expected))
      it('says what it left', () => {
        const job = parseJob(`${name}.yaml`, text)
        assert.deepEqual(warnings(job, rewrite(job, { server }).left), said)
      })
      it('changes nothing the second time', () => assert.equal(rewritten(expected), expected))
      it('comes back exactly', () => assert.equal(restored(expected), text))
      it('comes back exactly from a lifetime too', () => assert.equal(restored(rewritten(text, { ttl: '10d' })), text))
    })
  }
})

const job = (value: string): string => `actions:\n- deploy:\n    to: usb\n    image:\n      url: ${value}\n`
const url = 'https://storage.example.com/Image'
const encoded = 'https%3A%2F%2Fstorage.example.com%2FImage'

describe('what is chosen', () => {
  it('puts the lifetime behind the URL', () => {
    assert.equal(rewritten(job(url), { ttl: '10d' }), job(`${server}/api/v1/fetch/Image?url=${encoded}&ttl=10d`))
  })

  it('rewrites what an --include finds, but for what an --exclude finds', () => {
    const text = `${job('https://a.example.com/x')}${job('https://b.example.com/x').replace('actions:\n', '')}`
    const lines = (options: Partial<RewriteOptions>): number[] =>
      rewrite(parseJob('j', text), { server, ...options }).changes.map(({ line }) => line)
    assert.deepEqual(lines({}), [5, 9])
    assert.deepEqual(lines({ include: [/^https:..a/] }), [5])
    assert.deepEqual(lines({ include: [/^https:..a/, /b\./] }), [5, 9])
    assert.deepEqual(lines({ exclude: [/a\.example/] }), [9])
    assert.deepEqual(lines({ include: [/example/], exclude: [/a\.example/, /b\.example/] }), [])
  })

  it('leaves this server alone in every spelling, and nothing else of its host when it has a path', () => {
    for (const own of ['http://kiss:8001/api/v1/fetch?url=x', 'http://KISS:8001/', 'HTTP://kiss:8001/statistics'])
      assert.equal(rewritten(job(own)), job(own))
    const below = 'http://lab.example.com/kiss'
    for (const own of [`${below}/api/v1/fetch/x?url=y`, 'http://lab.example.com:80/kiss/x'])
      assert.equal(rewritten(job(own), { server: below }), job(own))
    for (const other of ['http://lab.example.com/files/x', 'http://lab.example.com/kisses'])
      assert.notEqual(rewritten(job(other), { server: below }), job(other))
  })

  it('says why each URL stays', () => {
    const reasons = (value: string): string[] =>
      rewrite(parseJob('j', job(value)), { server }).left.map(({ reason }) => reason)
    assert.deepEqual(reasons('file:///x'), ['scheme'])
    assert.deepEqual(reasons('http://kiss:8001/x'), ['server'])
    assert.deepEqual(reasons(`${url}\n      use_cache: no`), ['use-cache'])
    assert.deepEqual(reasons('https://x/{A}'), ['placeholder'])
    assert.deepEqual(reasons('[1]'), ['not-text'])
  })

  it('knows line, place and path of a change', () => {
    const { changes } = rewrite(parseJob('j', `# first\n${job(`\n        ${url}`)}`), { server })
    assert.deepEqual(changes, [
      {
        line: 7,
        place: 'image.url',
        path: 'actions[0].deploy.image.url',
        from: url,
        to: `${server}/api/v1/fetch/Image?url=${encoded}`,
      },
    ])
  })
})

describe('restoring', () => {
  it('leaves what rewrite would not have written', () => {
    for (const own of [
      `${server}/api/v1/fetch?url=${encoded}`,
      `${server}/api/v1/fetch/?url=${encoded}`,
      `${server}/api/v1/fetch/image?url=${encoded}`,
      `${server}/api/v1/fetch/Image?url=https://storage.example.com/Image`,
      `${server}/api/v1/fetch/Image?url=${encoded.toLowerCase()}`,
      `${server}/api/v1/fetch/Image?url=${encoded}&sha256=x`,
      `${server}/api/v1/fetch/Image?ttl=1d&url=${encoded}`,
      `${server}/api/v1/fetch/Image?url=ftp%3A%2F%2Fstorage.example.com%2FImage`,
      `${server}/api/v1/fetch/Image?url=https%3A%2F%2F%7BHOST%7D%2FImage`,
      `${server}/api/v1/fetch/Image?url=https%3a%2F%2Fstorage.example.com%2FImage`,
      `${server}/api/v1/fetch/Image?url=${encodeURIComponent(`${server}/api/v1/fetch/Image?url=${encoded}`)}`,
      `${server}/api/v1/fetch/%FF?url=%FF`,
    ]) {
      const text = job(own)
      assert.equal(restored(text), text)
      assert.equal(rewritten(text), text)
      assert.deepEqual(
        restore(parseJob('j', text), server).left.map(({ reason }) => reason),
        ['not-ours'],
      )
    }
  })

  it('leaves another server, an artifact that is not cached, and a place that an anchor shares', () => {
    const ours = `${server}/api/v1/fetch/Image?url=${encoded}`
    assert.equal(restored(job(ours)), job(url))
    for (const text of [
      job(ours.replace('8001', '8002')),
      job(`${ours}\n      use_cache: false`),
      `metadata: &m\n  x: &u ${ours}\n${job('*u')}`,
    ])
      assert.equal(restored(text), text)
  })

  it('takes one layer of a cache before a cache', () => {
    const other = 'http://other:8001/api/v1/fetch/Image?url=https%3A%2F%2Fstorage.example.com%2FImage'
    assert.equal(restored(rewritten(job(other))), job(other))
  })
})
