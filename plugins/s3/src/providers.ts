/** Registers the S3 provider. */

import type { Hook } from '@oclif/core'
// The empty import makes the name of the hook known to oclif's types.
import type {} from 'kiss/plugin'
import { createS3Provider } from './provider.js'

const hook: Hook<'kiss-providers'> = async (options) => {
  options.register(createS3Provider({ env: options.env, serving: options.serving, section: options.section('s3') }))
}

export default hook
