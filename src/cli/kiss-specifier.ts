/**
 * Lets plugins outside this package import `kiss/plugin` and `kiss`: the names lead here, whatever lies in the plugin's
 * node_modules, so that there is one KissError and one BaseCommand.
 */

import module from 'node:module'

/** Node's module customization hook (https://nodejs.org/api/module.html#resolvespecifier-context-nextresolve). */
export function resolve<Context extends { parentURL?: string | undefined }, Result>(
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Result,
): Result {
  const ours = specifier === 'kiss' || specifier.startsWith('kiss/')
  return next(specifier, ours ? { ...context, parentURL: import.meta.url } : context)
}

/** Costs a worker thread on Node 20, so it is called only where there are third-party plugins. */
export function registerKissSpecifier(): void {
  const { registerHooks } = module as { registerHooks?: (hooks: { resolve: typeof resolve }) => void }
  if (registerHooks === undefined) module.register(import.meta.url)
  else registerHooks({ resolve })
}
