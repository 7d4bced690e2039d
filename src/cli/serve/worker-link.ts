/** The messages between the primary of `kiss serve --workers` and its workers. */

import cluster, { type Worker } from 'node:cluster'
import { isErrorCode, KissError } from '../../errors.js'
import { failureOf } from '../failure.js'

export type ToWorker = { readonly kind: 'drain' } | { readonly kind: 'reload' }

export type FromWorker =
  | { readonly kind: 'listening'; readonly url: string }
  /** It could not start. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly hint?: string | undefined }

/** The values that all workers share. */
export interface Common {
  /** The name in Via: a request in a loop may reach another worker. */
  readonly via: string
  /** The key of the hashes of credentials: the HEAD and the GET of one client may reach two workers. */
  readonly credentialKey: string
  readonly port: number
  /** The log goes to a terminal. */
  readonly readable: boolean
}

const VARIABLE = 'KISS_WORKER'

export function forkWorker(common: Common): Worker {
  return cluster.fork({ [VARIABLE]: JSON.stringify(common) })
}

/** The worker's end. */
export interface WorkerLink extends Common {
  /** Aborted when the primary ends this worker. */
  readonly drain: AbortSignal
  onReload(listener: () => void): void
  listening(url: string): void
  failed(error: unknown): Promise<void>
}

/** undefined in a process that serves alone, and in the primary. */
export function workerLink(): WorkerLink | undefined {
  const text = process.env[VARIABLE]
  if (!cluster.isWorker || text === undefined) return undefined
  const drain = new AbortController()
  const reloads: (() => void)[] = []
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'drain') drain.abort(new KissError('interrupted', 'told to end'))
    else for (const reload of reloads) reload()
  })
  return {
    ...(JSON.parse(text) as Common),
    drain: drain.signal,
    onReload: (listener) => void reloads.push(listener),
    listening: (url) => void send({ kind: 'listening', url }),
    failed: (error) => {
      const { code, message, hint } = failureOf(error) ?? { code: 'internal', message: String(error), hint: undefined }
      return send({ kind: 'failed', code, message, hint })
    },
  }
}

/** Resolves when the message was handed over, so that it is not lost at the end of the process. Without a primary it is dropped. */
function send(message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve())
  })
}

/** The error that a worker reported. */
export function reportedError({ code, message, hint }: FromWorker & { kind: 'failed' }): KissError {
  return new KissError(isErrorCode(code) ? code : 'internal', message, hint === undefined ? {} : { hint })
}
