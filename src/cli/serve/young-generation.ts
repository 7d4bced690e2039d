/** The bound of V8's young generation in a server. */

import { setFlagsFromString } from 'node:v8'

/**
 * Keeps the young generation at its present size: 8 MiB after the start of a server, of 32 that it may grow to. Its objects
 * are those of requests under way, which are few. Peak memory of a server after all kinds of load fell from 132 to 110 MiB (Node
 * 20) and from 151 to 134 MiB (Node 24); the time of small hits, of 64 and 512 connections, did not change. A flag of the
 * command line would need another process.
 */
export function keepYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
