/** Processes that a test starts on its cache directory, freezes and kills. */

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { stat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ParallelTerms } from '#kiss/flight/parallel.js'
import type { LeaseTimes } from '#kiss/flight/lease.js'
import { keyIdOf } from '#kiss/flight/subject.js'
import { environment } from '../../support/processes.js'
import type { Order, Report } from './child.js'

type End = NonNullable<Report['end']>

export class Child {
  readonly #process: ChildProcess
  readonly #dead: Promise<unknown>
  #orders = 0

  private constructor(process: ChildProcess) {
    this.#process = process.setMaxListeners(0)
    this.#dead = once(process, 'exit')
  }

  static async start(
    cacheDir: string,
    { heartbeat, silence }: LeaseTimes = {},
    parallel: Partial<ParallelTerms> = {},
  ): Promise<Child> {
    const script = fileURLToPath(new URL('./child.js', import.meta.url))
    const options = JSON.stringify({ leaseTimes: { heartbeat, silence }, parallel })
    const child = spawn(process.execPath, [script, cacheDir, options], {
      env: environment,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    await once(child, 'message')
    return new Child(child)
  }

  /** Resolves when the process has read all of it, or failed. */
  async fetch(url: string, more: Omit<Order, 'id' | 'url'> = {}): Promise<End> {
    const id = ++this.#orders
    this.#process.send({ id, url, ...more } satisfies Order)
    for (;;) {
      const [report] = (await Promise.race([
        once(this.#process, 'message'),
        this.#dead.then(() => Promise.reject(new Error('the process died'))),
      ])) as [Report]
      if (report.id === id && report.end) return report.end
    }
  }

  /** Gives an order that the process does not survive. */
  async die(url: string, dies: NonNullable<Order['dies']>): Promise<void> {
    this.#process.send({ id: ++this.#orders, url, dies } satisfies Order)
    await this.#dead
  }

  freeze(): void {
    this.#process.kill('SIGSTOP')
  }

  wake(): void {
    this.#process.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#dead
  }
}

/** Call in a `describe`: what it starts is killed after each test. */
export function children(parallel?: Partial<ParallelTerms>): (cacheDir: string, times?: LeaseTimes) => Promise<Child> {
  const started: Child[] = []
  afterEach(async () => {
    await Promise.all(started.splice(0).map((child) => child.kill()))
  })
  return async (cacheDir, times) => {
    const child = await Child.start(cacheDir, times, parallel)
    started.push(child)
    return child
  }
}

/** @param url of the artifact */
export function transfersOf(cacheDir: string, url: string): string {
  return join(cacheDir, 'transfers', keyIdOf(new URL(url)))
}

/** Of the latest generation. */
export async function bodySize(cacheDir: string, url: string): Promise<number> {
  const directory = transfersOf(cacheDir, url)
  try {
    const last = (await readdir(directory))
      .map(Number)
      .sort((a, b) => a - b)
      .at(-1)
    return (await stat(join(directory, String(last), 'body'))).size
  } catch {
    // Not made yet.
    return 0
  }
}
