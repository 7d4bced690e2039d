/**
 * The services of AWS that hand out sessions, in one loopback server: containers, instances (IMDSv2), STS, SSO and its
 * OIDC. Each wants its own proof, says no as AWS does, and notes what it was asked.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { S3Key } from './s3-server-signature.js'

export type Call =
  | 'container'
  | 'imds token'
  | 'imds role'
  | 'imds credentials'
  | 'AssumeRole'
  | 'AssumeRoleWithWebIdentity'
  | 'GetRoleCredentials'
  | 'CreateToken'

/** What whoever asks has to bring; secrets that must appear nowhere else. */
export const proofs = {
  container: 'container/token+of=the-task',
  webIdentity: 'eyJhbGciOiJub25lIn0.web-identity-of-the-pod.sig',
  sso: 'sso-access-token-of-alice',
  oidcClient: 'oidc-client-secret-of-alice',
  refresh: 'oidc-refresh-token-of-alice',
  /** The key that may assume the role. */
  source: { accessKeyId: 'AKIASOURCE', secretAccessKey: 'secret+of/the-source-profile' },
}

const ROLE = 'ci-reader'
const IMDS_TOKEN = 'imds-session-token'

export class AwsIdentity {
  readonly asked: Call[] = []
  /** Every session that was handed out, the last one at the end: an S3 that takes them shares this list. */
  readonly sessions: S3Key[] = []
  /** Milliseconds that a session is said to last. */
  lifetime = 3_600_000
  /** Takes every request and answers none. */
  silent = false
  /** Answers every request with this status. */
  failing: number | undefined
  /** Answers with this instead of JSON. */
  garbage: string | undefined
  /** What the next to be asked sees done first. */
  onAsked: (call: Call) => void = () => undefined
  readonly #server: Server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })

  static async start(): Promise<AwsIdentity> {
    const identity = new AwsIdentity()
    identity.#server.listen(0, '127.0.0.1')
    await once(identity.#server, 'listening')
    return identity
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const found = this.#find(request, body)
    if (found === undefined) return void response.writeHead(404).end()
    const [call, permitted, answer] = found
    this.asked.push(call)
    this.onAsked(call)
    if (this.silent) return
    const status = this.failing ?? (permitted ? 200 : 401)
    if (status !== 200) return void response.writeHead(status).end(errorOf(call))
    response.writeHead(200, { 'content-type': 'application/json' }).end(this.garbage ?? answer())
  }

  /** What is asked, whether the request may, and the answer. */
  #find(request: IncomingMessage, body: string): [Call, boolean, () => string] | undefined {
    const { method = '', url = '', headers } = request
    const json = (value: unknown) => (): string => JSON.stringify(value)
    const form = new URLSearchParams(body)
    switch (`${method} ${url.split('?')[0]}`) {
      case 'GET /container':
        return ['container', headers.authorization === proofs.container, () => this.#sessionJson()]
      case 'PUT /latest/api/token':
        return ['imds token', headers['x-aws-ec2-metadata-token-ttl-seconds'] !== undefined, () => IMDS_TOKEN]
      case 'GET /latest/meta-data/iam/security-credentials/':
        return ['imds role', headers['x-aws-ec2-metadata-token'] === IMDS_TOKEN, () => ROLE]
      case `GET /latest/meta-data/iam/security-credentials/${ROLE}`:
        return ['imds credentials', headers['x-aws-ec2-metadata-token'] === IMDS_TOKEN, () => this.#sessionJson()]
      case 'GET /federation/credentials':
        return ['GetRoleCredentials', headers['x-amz-sso_bearer_token'] === proofs.sso, () => this.#roleJson()]
      case 'POST /token': {
        const sent = JSON.parse(body) as Record<string, string>
        const permitted = sent['refreshToken'] === proofs.refresh && sent['clientSecret'] === proofs.oidcClient
        return ['CreateToken', permitted, json({ accessToken: proofs.sso, expiresIn: 3600, tokenType: 'Bearer' })]
      }
      case 'POST /': {
        const call = form.get('Action')
        if (call === 'AssumeRole') {
          const permitted = headers.authorization?.includes(`Credential=${proofs.source.accessKeyId}/`) === true
          return [call, permitted, () => this.#roleXml(call)]
        }
        if (call !== 'AssumeRoleWithWebIdentity') return undefined
        return [call, form.get('WebIdentityToken') === proofs.webIdentity, () => this.#roleXml(call)]
      }
      default:
        return undefined
    }
  }

  #issue(): { key: Required<Omit<S3Key, 'expired'>>; until: Date } {
    const n = this.sessions.length + 1
    const key = {
      accessKeyId: `ASIA${n}`,
      secretAccessKey: `secret+of/session-${n}`,
      sessionToken: `token+of/session-${n}==`,
    }
    this.sessions.push(key)
    return { key, until: new Date(Date.now() + this.lifetime) }
  }

  #sessionJson(): string {
    const { key, until } = this.#issue()
    return JSON.stringify({
      Code: 'Success',
      AccessKeyId: key.accessKeyId,
      SecretAccessKey: key.secretAccessKey,
      Token: key.sessionToken,
      Expiration: until.toISOString().replace(/\.\d+/, ''),
    })
  }

  #roleJson(): string {
    const { key, until } = this.#issue()
    return JSON.stringify({ roleCredentials: { ...key, expiration: until.getTime() } })
  }

  #roleXml(call: string): string {
    const { key, until } = this.#issue()
    return `<${call}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${call}Result><Credentials>
      <AccessKeyId>${key.accessKeyId}</AccessKeyId><SecretAccessKey>${key.secretAccessKey}</SecretAccessKey>
      <SessionToken>${key.sessionToken}</SessionToken><Expiration>${until.toISOString()}</Expiration>
      </Credentials></${call}Result></${call}Response>`
  }
}

/** STS says no in XML, as S3 does. */
function errorOf(call: Call): string {
  if (!call.startsWith('AssumeRole')) return JSON.stringify({ message: 'Session token not found or invalid' })
  const error = '<Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>The token is not valid.</Message>'
  return `<ErrorResponse><Error>${error}</Error><RequestId>1</RequestId></ErrorResponse>`
}
