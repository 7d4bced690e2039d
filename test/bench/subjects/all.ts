/** The servers that are measured, in the order of the table. */
import { availableParallelism } from 'node:os'
import { bareNode, direct } from './bare.js'
import { kiss, kissBehindNginx } from './kiss.js'
import { nginx } from './nginx.js'
import { squid } from './squid.js'
import type { Subject } from './subject.js'
import { varnish } from './varnish.js'

const cores = availableParallelism()
/** One worker, and as many as cores. */
const workers = [...new Set([1, cores])]

export const subjects: readonly Subject[] = [
  ...workers.map(kiss),
  ...[true, false].flatMap((sendfile) => workers.map((count) => nginx({ workers: count, sendfile }))),
  varnish,
  squid,
  kissBehindNginx,
  bareNode,
  direct,
]
