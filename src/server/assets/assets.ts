/** The files that pages need, from memory, under an address that changes with their content. */

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { home } from '../../home.js'
import { compressed } from '../compression.js'
import { problemReply } from '../problem.js'
import type { Route } from '../route.js'
import { baseStyle } from './base-style.js'
import { chartStyle } from './chart-style.js'
import { entryStyle } from './entry-style.js'
import { icon } from './icon.js'
import { formStyle } from './form-style.js'
import { partStyle } from './part-style.js'
import { phoneStyle } from './phone-style.js'

/** Compiled from src/server/browser. */
const scripts = [
  'main.js',
  'plot.js',
  'text.js',
  'live.js',
  'morph.js',
  'charts.js',
  'converter.js',
  'copy.js',
] as const

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

export class Assets {
  readonly #files: ReadonlyMap<string, Uint8Array>
  readonly #hash: string

  private constructor(files: ReadonlyMap<string, Uint8Array>) {
    this.#files = files
    const hash = createHash('sha256')
    for (const [name, bytes] of files) hash.update(name).update(bytes)
    this.#hash = hash.digest('hex').slice(0, 12)
  }

  static async read(): Promise<Assets> {
    const require = createRequire(import.meta.url)
    const script = (name: string): string => path.join(home, 'dist/server/browser', name)
    const files = await Promise.all([
      ...scripts.map(async (name) => [name, await readFile(script(name))] as const),
      readFile(require.resolve('uplot/dist/uPlot.iife.min.js')).then((bytes) => ['uPlot.js', bytes] as const),
      readFile(require.resolve('uplot/dist/uPlot.min.css')).then((bytes) => ['uPlot.css', bytes] as const),
    ])
    return new Assets(
      new Map<string, Uint8Array>([
        ...files,
        ['style.css', Buffer.from(baseStyle + partStyle + formStyle + entryStyle + chartStyle + phoneStyle)],
        ['icon.svg', Buffer.from(icon)],
      ]),
    )
  }

  /** The address of a file. */
  readonly path = (name: string): string => `/assets/${this.#hash}/${name}`

  /** A browser may keep a file for ever: another content has another address. */
  get route(): Route {
    return {
      path: /^\/assets\/([0-9a-f]+)\/([\w.-]+)$/,
      guard: 'open',
      handlers: {
        GET: (request) => {
          const [hash, name = ''] = request.params
          const body = hash === this.#hash ? this.#files.get(name) : undefined
          if (body === undefined) {
            return problemReply({ status: 404, code: 'not-found', detail: 'there is no such file' })
          }
          const headers = {
            'Content-Type': types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
            'Cache-Control': 'public, max-age=31536000, immutable',
            'X-Content-Type-Options': 'nosniff',
          }
          return compressed({ status: 200, headers, body }, request)
        },
      },
    }
  }
}
