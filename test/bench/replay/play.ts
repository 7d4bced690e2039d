/** Plays a trace against a server: every board is a client with a connection of its own. */
import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Artifacts } from '../artifacts.js'
import type { Started } from '../subjects/subject.js'
import type { Artifact, Board, Trace } from './trace.js'

export interface Played {
  readonly gets: number
  /** Bytes that the origin sent. */
  readonly bytes: number
  /** Seconds that the slowest board took for all of its downloads. */
  readonly slowest: number
  /** Downloads that a board had to begin again. */
  readonly retries: number
  /** Downloads that failed however often the board tried. */
  readonly failures: number
}

/** As LAVA does, a board tries a download again. */
const TRIES = 5
const PAUSE = 200

export async function play(trace: Trace, server: Started, origin: Artifacts, rate: number): Promise<Played> {
  const before = await origin.counted()
  const started = performance.now()
  const until = (at: number): Promise<void> => sleep(Math.max(0, at * 1000 - (performance.now() - started)))
  let [slowest, retries, failures] = [0, 0, 0]

  async function run({ at, artifacts }: Board): Promise<void> {
    await until(at)
    const began = performance.now()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (const artifact of artifacts) {
      let tries = 1
      while (!(await download(agent, urlOf(artifact), artifact.length)) && tries < TRIES) {
        tries++
        retries++
        await sleep(PAUSE)
      }
      if (tries === TRIES) failures++
    }
    agent.destroy()
    slowest = Math.max(slowest, (performance.now() - began) / 1000)
  }

  function urlOf({ name, length }: Artifact): string {
    return server.url(origin.path(length, rate, name), name.startsWith('moving-') ? 1 : undefined)
  }

  async function change(): Promise<void> {
    for (const { at, name } of trace.changes) {
      await until(at)
      origin.change(name)
    }
  }

  await Promise.all([change(), ...trace.boards.map(run)])
  const after = await origin.counted()
  return { gets: after.gets - before.gets, bytes: after.bytes - before.bytes, slowest, retries, failures }
}

/** Whether all of it came. */
function download(agent: Agent, url: string, length: number): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, { agent }, (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => (bytes += chunk.length))
      response.on('close', () => resolve(response.statusCode === 200 && bytes === length))
    }).on('error', () => resolve(false))
  })
}
