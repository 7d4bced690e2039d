/** A user with a home, an S3 server, and the services of AWS that give credentials for it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { AwsIdentity, proofs } from '../../support/aws-identity.js'
import { Sandbox } from '../../support/cli.js'
import { S3Server } from '../../support/s3-server.js'

/** Those of the test that is running. */
export interface IdentityLab {
  readonly sandbox: Sandbox
  readonly identity: AwsIdentity
  /** Has the object `Image.gz` in the bucket `lkft`. */
  readonly server: S3Server
  /** Writes a file into the home of the user; its path. */
  readonly home: (name: string, content: string) => string
  /** The environment of a container that gets credentials. */
  readonly container: () => Record<string, string>
}

/** Call in a `describe`: each test gets a new one, which is gone after it. */
export function identityLab(): IdentityLab {
  let sandbox: Sandbox
  let identity: AwsIdentity
  let server: S3Server
  beforeEach(async () => {
    sandbox = new Sandbox()
    identity = await AwsIdentity.start()
    server = await S3Server.start({ keys: identity.sessions })
    server.bucket('lkft').put('lkft', 'Image.gz', 'kernel')
  })
  afterEach(async () => {
    await Promise.all([server.close(), identity.close()])
    sandbox.remove()
  })
  return {
    get sandbox() {
      return sandbox
    },
    get identity() {
      return identity
    },
    get server() {
      return server
    },
    home: (name, content) => {
      const file = path.join(sandbox.home, name)
      mkdirSync(path.dirname(file), { recursive: true })
      writeFileSync(file, content)
      return file
    },
    container: () => ({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${identity.url}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: proofs.container,
    }),
  }
}
