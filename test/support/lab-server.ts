/** A laptop that asks the server of a lab, for the tests of `--server`. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Sandbox } from './cli.js'
import { Origin, type Body } from './origin.js'
import { Serving } from './serving.js'

/** Those of the test that is running. */
export interface LabServer {
  readonly lab: Sandbox
  readonly laptop: Sandbox
  readonly origin: Origin
  /** With a final `/`. */
  readonly url: string
  /** The token of the administrator. */
  readonly tokenFile: string
  /** The next test starts another one. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Call in a `describe`: one server for all its tests, whose URLs are new, like the port of the origin of each test. */
export function labServer(body: Body): LabServer {
  let lab: Sandbox
  let laptop: Sandbox
  let origin: Origin
  let serving: Serving | undefined
  /** The last one, also after its end. */
  let url: string
  const tokenFile = (): string => path.join(lab.root, 'token')
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    serving?.running.child.kill(signal)
    await serving?.running.ended
    serving = undefined
  }
  before(() => {
    lab = new Sandbox()
    writeFileSync(tokenFile(), 'sesame-opens-this-door')
  })
  beforeEach(async () => {
    laptop = new Sandbox()
    origin = await Origin.start()
    origin.serve('/Image', { body })
    serving ??= await Serving.start(lab, ['--allow-upstream', '127.0.0.0/8'], {
      env: { KISS_ADMIN_TOKEN_FILE: tokenFile() },
    })
    url = serving.url
  })
  afterEach(async () => {
    await origin.close()
    laptop.remove()
  })
  after(async () => {
    await stop()
    lab.remove()
  })
  return {
    get lab() {
      return lab
    },
    get laptop() {
      return laptop
    },
    get origin() {
      return origin
    },
    get url() {
      return url
    },
    get tokenFile() {
      return tokenFile()
    },
    stop,
  }
}
