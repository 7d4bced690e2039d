import assert from 'node:assert/strict'
import { parse } from 'yaml'
import { dispatcherConfig, dispatcherYaml } from '#lava/dispatcher.js'

describe('the settings of a dispatcher', () => {
  it('send every download to the server, and the origin where that fails', () => {
    assert.deepEqual(dispatcherConfig('http://kiss.example.com:8001'), {
      http_url_format_string: 'http://kiss.example.com:8001/api/v1/fetch?url=%s',
      http_cache_fallback_origin_url: true,
      http_cache_exclude_rules: ['^http://kiss\\.example\\.com:8001/api/v1/fetch[/?]'],
    })
  })

  it('leave out what comes from the server already', () => {
    const rule = new RegExp(dispatcherConfig('http://[::1]/a+b').http_cache_exclude_rules[0]!)
    assert.ok(rule.test('http://[::1]/a+b/api/v1/fetch/Image?url=x'))
    assert.ok(rule.test('http://[::1]/a+b/api/v1/fetch?url=x'))
    assert.ok(!rule.test('http://[::1]/aab/api/v1/fetch?url=x'))
    assert.ok(!rule.test('http://x/?http://[::1]/a+b/api/v1/fetch?url=x'))
  })

  it("survive Python's %", () => {
    const { http_url_format_string: format } = dispatcherConfig('http://kiss/a%20b', { ttl: '3d' })
    assert.equal(format, 'http://kiss/a%%20b/api/v1/fetch?url=%s&ttl=3d')
  })

  it('are YAML that says the same', () => {
    const config = dispatcherConfig('http://kiss', { fallback: false, exclude: ["it's", '\\.iso$'] })
    assert.deepEqual(parse(dispatcherYaml(config)), config)
  })
})
