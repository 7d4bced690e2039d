/** The HTTP client for requests of plugins besides artifacts, with the settings of a command. */

import type { HttpClient } from '../provider/types.js'
import type { BaseCommand } from './base-command.js'

/** Everything is loaded when the first request is made. */
export function openHttp(command: BaseCommand): HttpClient {
  let client: Promise<HttpClient> | undefined
  return async (request) => (await (client ??= create(command)))(request)
}

async function create(command: BaseCommand): Promise<HttpClient> {
  const [values, { createHttpClient }] = await Promise.all([command.values(), import('../upstream/http-client.js')])
  return createHttpClient({
    deny: values['deny-upstream'],
    env: process.env,
    ...(values['ca-file'] === undefined ? {} : { caFile: values['ca-file'] }),
  })
}
