import type { Hook } from '@oclif/core'

const hook: Hook<'kiss-providers'> = async () => {}
export default hook
