/** A `kiss serve` in a process of its own, with what a client needs to ask it. */
import { listening, type RunOptions, type Running, type Sandbox } from './cli.js'
import { get, type Answer, type ClientOptions } from '../server/support/client.js'

export interface Status {
  readonly resources_scheduled: number
  readonly resources_downloading: number
  readonly [key: string]: unknown
}

export class Serving {
  static async start(sandbox: Sandbox, args: readonly string[] = [], options: RunOptions = {}): Promise<Serving> {
    const port = args.includes('--port') ? [] : ['--port', '0']
    const running = sandbox.start(['serve', ...port, ...args], options)
    return new Serving(running, await listening(running))
  }

  private constructor(
    readonly running: Running,
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
