/** Sends a number of fuzzed requests to a target, so many at once, and ends with what came of it. */
import { Random } from '../../server/support/random.js'
import { Requests } from './requests.js'
import { FuzzTarget, type Figures } from './target.js'

const AT_ONCE = 16

export async function fuzzServer(
  seed: number,
  inputs: number,
  progress: (done: number) => void = () => undefined,
): Promise<Figures> {
  const target = await FuzzTarget.open()
  try {
    const requests = new Requests(new Random(seed), target)
    let sent = 0
    const client = async (): Promise<void> => {
      while (sent < inputs) {
        progress(++sent)
        const { text, leaving } = requests.request()
        await target.send(text, leaving)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, client))
    // It lives, and still serves.
    await target.send(
      `GET /api/v1/fetch?url=http://127.0.0.2:${target.originPort}/alive HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    )
    return target.figures()
  } finally {
    await target.close()
  }
}

/** What is wrong with them; empty where nothing is. */
export function faultsOf({ statuses, errors, forbidden, hanging }: Figures): string[] {
  return [
    ...(forbidden > 0 ? [`${forbidden} connections to forbidden addresses`] : []),
    ...(statuses['500'] === undefined ? [] : [`${statuses['500']} answers with status 500`]),
    ...(hanging > 0 ? [`${hanging} requests without an end`] : []),
    ...errors.slice(0, 5),
  ]
}
