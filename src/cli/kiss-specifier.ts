/**
 * Lets plugins outside this package import `kiss-cache/plugin` and `kiss-cache`: the names lead here, past the
 * node_modules of the plugin, so that there is one KissError and one BaseCommand. `kiss` is the name of the command, and an
 * older name of the package.
 */

import module from 'node:module'

/** Node's module customization hook (https://nodejs.org/api/module.html#resolvespecifier-context-nextresolve). */
export function resolve<Context extends { parentURL?: string | undefined }, Result>(
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Result,
): Result {
  const named = /^kiss(?:-cache)?(\/.*)?$/.exec(specifier)
  if (named === null) return next(specifier, context)
  return next(`kiss-cache${named[1] ?? ''}`, { ...context, parentURL: import.meta.url })
}

/** Costs a worker thread on Node 20, so it is called only for third-party plugins. */
export function registerKissSpecifier(): void {
  const { registerHooks } = module as { registerHooks?: (hooks: { resolve: typeof resolve }) => void }
  if (registerHooks === undefined) module.register(import.meta.url)
  else registerHooks({ resolve })
}
