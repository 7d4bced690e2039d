import assert from 'node:assert/strict'
import { ProviderRegistry } from '#kiss/provider/registry.js'
import { plainProvider } from '#kiss/provider/plain.js'
import type { UpstreamProvider } from '#kiss/provider/types.js'

const named = (name: string, priority: number): UpstreamProvider => ({ ...plainProvider, name, priority })

describe('provider registry', () => {
  it('asks by descending priority, then by name, in whatever order they came', () => {
    const registry = new ProviderRegistry([named('b', 5), plainProvider, named('c', 9), named('a', 5)])
    assert.deepEqual(
      registry.providers.map(({ name }) => name),
      ['c', 'a', 'b', 'http'],
    )
  })

  it('refuses two of one name', () => {
    assert.throws(() => new ProviderRegistry([named('a', 1), named('a', 2)]), { code: 'configuration' })
  })
})
