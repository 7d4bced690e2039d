/** The HTTP client that plugins get, without proxies and certificates of its own. */
import type { HttpClient } from '#kiss/provider/types.js'
import { createHttpClient } from '#kiss/upstream/http-client.js'

export function openHttpClient(): HttpClient {
  const client = createHttpClient({ env: {} })
  return async (request) => (await client)(request)
}
