/** Registers the S3 providers. */

import type { Hook } from '@oclif/core'
// The empty import makes the name of the hook known to oclif's types.
import type {} from 'kiss-cache/plugin'
import { createS3Providers } from './provider.js'

const hook: Hook<'kiss-providers'> = async (options) => {
  const { env, serving, http } = options
  const section = options.section('s3')
  for (const provider of createS3Providers({ env, serving, http, section })) options.register(provider)
}

export default hook
