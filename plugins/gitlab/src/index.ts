/** The GitLab provider, for use without oclif. */
export { GitLabProvider, type GitLabOptions } from './provider.js'
export { readSettings } from './settings.js'
export type { InstanceSettings } from './types.js'
