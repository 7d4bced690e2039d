/**
 * Load on a server, from a process of its own. The client is a small program in C, compiled here, that discards bodies in
 * the kernel. Without a compiler it is the same in Node, which costs more: the table says which one measured.
 */
import { execFile, spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { project } from '../support/cli.js'

/** Milliseconds, but for `seconds` and `cpu`. */
export interface Load {
  readonly requests: number
  readonly bytes: number
  readonly errors: number
  readonly seconds: number
  /** CPU seconds of the client itself. */
  readonly cpu: number
  /** Bytes that had come at the mark. */
  readonly early: number
  readonly first: { readonly median: number; readonly max: number }
  readonly done: { readonly median: number; readonly p99: number; readonly max: number }
}

export interface LoadOptions {
  readonly connections?: number
  /** Ends after so many seconds or so many requests, whichever comes first. */
  readonly seconds?: number
  readonly requests?: number
  /** Milliseconds. */
  readonly mark?: number
  readonly headers?: readonly string[]
}

export class Client {
  private constructor(
    private readonly command: readonly string[],
    /** What it is, for the description of the machine. */
    readonly kind: string,
  ) {}

  /** @param directory for the compiled program */
  static build(directory: string): Client {
    const program = path.join(directory, 'client')
    const source = path.join(project, 'test/bench/client.c')
    const { status } = spawnSync('cc', ['-O2', '-o', program, source], { stdio: 'ignore' })
    if (status === 0) return new Client([program], 'C, bodies discarded in the kernel')
    const script = fileURLToPath(new URL('node-client.js', import.meta.url))
    return new Client([process.execPath, script], 'Node, because there is no C compiler')
  }

  /** @throws Error when a request fails */
  async load(url: string, options: LoadOptions): Promise<Load> {
    const { connections = 1, seconds = 0, requests = 0, mark = 0, headers = [] } = options
    const { host, pathname, search } = new URL(url)
    const [file = '', ...first] = this.command
    const figures = [host, connections, seconds, requests, mark].map(String)
    const { stdout } = await promisify(execFile)(file, [...first, ...figures, `${pathname}${search}`, ...headers])
    const load = JSON.parse(stdout) as Load
    if (load.errors > 0) throw new Error(`${load.errors} of ${load.errors + load.requests} requests of ${url} failed`)
    return load
  }
}
