/** Formats numbers and times for the pages. Pure. */

import { decodeLenient } from '../../http/urls.js'
import { formatRoughly, formatSize } from '../../units.js'
import { html, type Html, visible } from './html.js'

/** `1,234,567`. */
export function count(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `12.3 ×`, or a dash if the ratio is unknown. */
export function times(ratio: number | undefined): string {
  return ratio === undefined ? '–' : `${ratio.toFixed(ratio < 10 ? 2 : ratio < 100 ? 1 : 0)} ×`
}

/** `97.3 %`. A share below the whole is never shown as 100 %. */
export function percent(share: number | undefined): string {
  if (share === undefined) return '–'
  const tenths = share < 1 ? Math.min(999, Math.round(share * 1000)) : Math.round(share * 1000)
  return `${tenths % 10 === 0 ? tenths / 10 : (tenths / 10).toFixed(1)} %`
}

/** A size, with the exact number of bytes in the tooltip. */
export function size(bytes: number): Html {
  return html`<data value="${bytes}" title="${count(bytes)} bytes">${formatSize(bytes)}</data>`
}

/** A size in its largest unit, for columns. */
export function short(ms: number): string {
  return formatRoughly(Math.max(0, ms))
}

/** `3h ago`, with the exact time in the tooltip. @param at milliseconds since the epoch */
export function ago(at: number, now: number): Html {
  const iso = new Date(at).toISOString()
  const shown = now - at < 1000 ? 'just now' : `${short(now - at)} ago`
  return html`<time datetime="${iso}" title="${iso.replace('T', ' ').slice(0, 19)} UTC">${shown}</time>`
}

/** The exact time, in UTC. @param at milliseconds since the epoch */
export function moment(at: number): Html {
  const iso = new Date(at).toISOString()
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`
}

/**
 * A URL in readable form: percent-encoded text is decoded. `hides` is true if another URL would look the same, or if the
 * decoded text contains an invisible character: a blank, a control character, an encoded separator.
 */
export function readable(url: string): { readonly text: string; readonly hides: boolean } {
  const text = decodeLenient(url)
  return { text, hides: visible(text) !== text || /^\s|\s$|\s\s/.test(text) || /%(?:2[35f]|3f|5c)/i.test(url) }
}

/** The part of a URL after the host. */
export function pathOf(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(.*)$/is.exec(url)?.[1] ?? url
}
