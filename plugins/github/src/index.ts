/** The GitHub provider, for programs that use it without oclif. */
export { GitHubProvider, type GitHubOptions } from './provider.js'
export { readSettings } from './settings.js'
export type { HostSettings } from './types.js'
