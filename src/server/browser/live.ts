/** Updates the live parts of a page by server-sent events. */

import { show } from './morph.js'

interface State {
  /** HTML by the name of the part. The server made and escaped it. */
  readonly parts: Readonly<Record<string, string>>
  /** A sentence for screen readers, which is read out when it changes. */
  readonly said: string
}

/** Milliseconds until the next attempt when the server refused a further listener or was restarting. */
const RETRY = 30_000

export function keepLive(): void {
  const places = [...document.querySelectorAll<HTMLElement>('[data-live]')]
  const connection = document.getElementById('connection')
  if (places.length === 0) return
  const say = (text: string): void => {
    if (connection !== null && connection.textContent !== text) connection.textContent = text
  }
  const source = new EventSource('/events')
  source.onmessage = ({ data }: MessageEvent<string>) => {
    const { parts, said } = JSON.parse(data) as State
    for (const place of places) {
      const text = parts[place.dataset['live'] ?? '']
      if (text !== undefined) show(place, text)
    }
    document.documentElement.dataset['live'] = 'yes'
    say(`Live: ${said}`)
  }
  source.onerror = () => {
    say('Not live: the server does not answer just now')
    delete document.documentElement.dataset['live']
    if (source.readyState !== EventSource.CLOSED) return
    setTimeout(keepLive, RETRY)
  }
  addEventListener('pagehide', () => source.close())
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) location.reload()
  })
}
