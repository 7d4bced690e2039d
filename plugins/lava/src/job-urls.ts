/** Tells kiss which URLs LAVA jobs download. */

import type { Hook } from '@oclif/core'
// The empty import makes the name of the hook known to oclif's types.
import type {} from 'kiss-cache/plugin'
import { readDownloads } from './reading.js'

const hook: Hook<'kiss-job-urls'> = async ({ files, add }) => {
  for (const { origin } of await readDownloads(files, undefined, () => undefined)) if (origin !== undefined) add(origin)
}

export default hook
