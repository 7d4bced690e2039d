/** The sources of the network, and their shared limits, cap, health and guards. Loads undici: import it when it is needed. */
import type { LookupFunction } from 'node:net'
import { systemClock } from '../clock.js'
import { answerOf } from './answer.js'
import { FromMirrors } from './from-mirrors.js'
import { FromOrigin } from './from-origin.js'
import { FromParents } from './from-parents.js'
import { Gate } from './gate.js'
import { Guard } from './guard.js'
import { Health } from './health.js'
import { parseMirrors } from './mirrors.js'
import { Network } from './network.js'
import { Rate, type SpanClock } from './rate.js'
import { trusting } from './trust.js'
import { Turn } from './turn.js'
import type { Upstream, UpstreamOptions } from './types.js'
import type { Ways } from './ways.js'

const STALL_TIMEOUT = 60_000
/** Bytes a second: a download without readers that is slower yields its place to one that waits. */
const FLOOR = 16 * 1024

/** What tests hand in. */
export interface Seams {
  /** Instead of the system's resolver. */
  readonly lookup?: LookupFunction
  /** For the cap on bandwidth, and for mirrors and parents that rest. */
  readonly clock?: SpanClock
}

/**
 * Throws KissError: `usage` for lists, mirrors and parents that cannot be read, `configuration` for a CA file, a proxy
 * or a token of a parent that would be sent openly.
 */
export async function openUpstream(
  options: UpstreamOptions,
  { lookup, clock = systemClock }: Seams = {},
): Promise<Upstream> {
  const { caFile, env = {}, via, maxDownloads, maxDownloadsPerHost, self } = options
  const maxRate = options.maxRate === 0 ? undefined : options.maxRate
  // Node itself takes NODE_EXTRA_CA_CERTS from the environment that the process was started with.
  const extraFile = process.env['NODE_EXTRA_CA_CERTS']
  const secureContext = caFile === undefined ? undefined : await trusting(caFile, extraFile)
  const guards = [new Guard(options), new Guard({ ...options, guard: false })] as const
  const { warn = () => undefined, trace, stallTimeout = STALL_TIMEOUT } = options
  const now = (): number => clock.monotonic()
  const network = (guard: Guard, proxies = env) =>
    new Network({ guard, lookup, secureContext, env: proxies, via, warn, trace })
  const [guarded, trusted, direct] = [network(guards[0]), network(guards[1]), network(guards[1], {})]
  const gate = new Gate({ total: maxDownloads, perHost: maxDownloadsPerHost })
  const rate = maxRate === undefined ? undefined : new Rate(maxRate, clock)
  // A download that the cap on bandwidth slows down is not slow.
  const floor = Math.min(FLOOR, (maxRate ?? Infinity) / (4 * (maxDownloads ?? 64)))
  const ways: Ways = {
    guarded,
    trusted,
    self,
    now,
    finish: (received, { method, firstByteTimeout: forOrigin = stallTimeout }, turn) => {
      if (method === 'HEAD' || received.status === 304) turn.leave()
      const firstByteTimeout = received.kind === 'mirror' ? stallTimeout : forOrigin
      return answerOf(received, { turn, rate, firstByteTimeout, stallTimeout })
    },
  }
  const mirrors = new FromMirrors(ways, options.mirrors ?? [], new Health({ what: 'mirror', now, warn }))
  const parents = new FromParents({
    ways,
    network: direct,
    health: new Health({ what: options.parents?.asCache === true ? 'server' : 'parent', now, warn }),
    parents: options.parents ?? { of: [] },
  })
  return {
    sources: [parents, mirrors, new FromOrigin(ways)],
    turn: (request) => new Turn({ gate, request, floor, now }),
    update: ({ mirrors: given = [], parents: above = { of: [] }, ...lists }) => {
      const rules = parseMirrors(given)
      parents.update(above)
      for (const guard of guards) guard.update(lists)
      mirrors.update(rules)
    },
    close: async () => {
      await Promise.all([guarded.close(), trusted.close(), direct.close()])
    },
  }
}
