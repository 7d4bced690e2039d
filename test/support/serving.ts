/** A `kiss serve`, with what a client needs to ask it. */
import { listening, type Command, type RunOptions, type Running, type Sandbox } from './cli.js'
import { get, type Answer, type ClientOptions } from '../server/support/client.js'

export interface Status {
  readonly resources_scheduled: number
  readonly resources_downloading: number
  readonly [key: string]: unknown
}

export class Serving<Started extends Command = Command> {
  /** In a process that has run other commands, see `Sandbox.startServer`. */
  static async start(sandbox: Sandbox, args: readonly string[] = [], options: RunOptions = {}): Promise<Serving> {
    const running = sandbox.startServer(withPort(args), options)
    return new Serving(running, await listening(running))
  }

  /** In a process of its own, which can be killed or stopped. */
  static async startProcess(
    sandbox: Sandbox,
    args: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<Serving<Running>> {
    const running = sandbox.start(['serve', ...withPort(args)], options)
    return new Serving(running, await listening(running))
  }

  private constructor(
    readonly running: Started,
    /** With a final `/`. */
    readonly url: string,
  ) {}

  get port(): number {
    return Number(new URL(this.url).port)
  }

  fetchUrl(url: string, more = ''): string {
    return `${this.url}api/v1/fetch?url=${encodeURIComponent(url)}${more}`
  }

  fetch(url: string, options?: ClientOptions): Promise<Answer> {
    return get(this.fetchUrl(url), options)
  }

  async status(): Promise<Status> {
    return JSON.parse((await get(`${this.url}api/v1/status/`)).text) as Status
  }

  /** Stops it as an operator would, and resolves with all of its log. */
  async stop(): Promise<string> {
    this.running.child.kill('SIGTERM')
    return (await this.running.ended).stderr
  }
}

function withPort(args: readonly string[]): readonly string[] {
  return args.includes('--port') ? args : ['--port', '0', ...args]
}
