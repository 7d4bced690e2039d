/** The GitLab provider, for who wants to use it without oclif. */
export { GitLabProvider, type GitLabOptions } from './provider.js'
export { readSettings } from './settings.js'
export type { InstanceSettings } from './types.js'
