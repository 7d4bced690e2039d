/** Collects the providers that plugins register. */

import type { Interfaces } from '@oclif/core'
import { KissError } from '../errors.js'
import { plainProvider } from './owner.js'
import { PROVIDERS_HOOK, type ProvidersHookOptions, type UpstreamProvider } from './types.js'

/** A hook registers objects; one that takes longer hangs. Milliseconds. */
const HOOK_TIMEOUT = 30_000

/**
 * Runs the providers' hook of every plugin, once, and adds the provider of plain HTTP.
 * @throws KissError `configuration` with the plugin's name when its hook fails, hangs, registers nothing or registers an
 * object that is no provider
 */
export async function collectProviders(
  config: Interfaces.Config,
  options: Omit<ProvidersHookOptions, 'register'>,
  plain: UpstreamProvider = plainProvider,
): Promise<UpstreamProvider[]> {
  const providers: UpstreamProvider[] = [plain]
  for (const plugin of config.plugins.values()) {
    const declared = plugin.hooks[PROVIDERS_HOOK]?.length ?? 0
    if (declared === 0) continue
    const before = providers.length
    const register = (provider: UpstreamProvider): void => {
      const fault = faultOf(provider)
      if (fault !== undefined) throw new Error(`it registered a provider ${fault}`)
      if (providers.some(({ name }) => name === provider.name)) {
        throw new Error(`there is a provider named ${provider.name} already`)
      }
      providers.push(provider)
    }
    // One plugin at a time, so that every provider and every fault has an owner.
    const alone = Object.create(config, { plugins: { value: new Map([[plugin.name, plugin]]) } }) as typeof config
    // oclif swallows what hooks throw unless it is asked to hand it over.
    const { failures, successes } = await alone.runHook(PROVIDERS_HOOK, { ...options, register }, HOOK_TIMEOUT, true)
    const fault = (what: string, cause?: Error): KissError =>
      new KissError('configuration', `plugin ${plugin.name}: ${what}`, { cause })
    const error = failures[0]?.error
    if (error !== undefined) throw fault(`its providers do not load: ${error.message}`, error)
    if (successes.length < declared) throw fault(`its hook ${PROVIDERS_HOOK} exports no function`)
    if (providers.length === before) throw fault(`its hook ${PROVIDERS_HOOK} registered no provider`)
  }
  return providers
}

/** The first fault of an object that a plugin registered, for a message; undefined for a provider. */
function faultOf(provider: unknown): string | undefined {
  if (typeof provider !== 'object' || provider === null) return 'that is no object'
  const { name, priority, matches, cacheKey } = provider as Record<string, unknown>
  if (typeof name !== 'string' || name === '') return 'without a name'
  if (typeof priority !== 'number' || !Number.isFinite(priority)) return `named ${name} without a priority`
  if (typeof matches !== 'function') return `named ${name} without matches()`
  if (typeof cacheKey !== 'function') return `named ${name} without cacheKey()`
  return undefined
}
