/** What a test of the command line stands on: a sandbox and an origin. */
import { Sandbox } from './cli.js'
import { Origin } from './origin.js'

/** Those of the test that is running. */
export interface CommandLine {
  readonly sandbox: Sandbox
  readonly origin: Origin
}

/** Call in a `describe`: each test gets new ones, which are gone after it. */
export function commandLine(): CommandLine {
  let sandbox: Sandbox
  let origin: Origin
  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
  })
  afterEach(async () => {
    await origin.close()
    sandbox.remove()
  })
  return {
    get sandbox() {
      return sandbox
    },
    get origin() {
      return origin
    },
  }
}
