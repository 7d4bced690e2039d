/** Converts a URL to the URL of this server for it, as text and as a form. Pure. */

import { html, type Html } from './html.js'

/** @param base URL of this server, with a final `/` */
export function kissUrl(base: string, url: string): string {
  return `${base}api/v1/fetch?url=${encodeURIComponent(url)}`
}

/** undefined if the text is not an absolute URL. */
export function parseAsked(text: string): string | undefined {
  const trimmed = text.trim()
  return /^[a-z][a-z0-9+.-]*:\/\/[^\s/]/i.test(trimmed) && URL.canParse(trimmed) ? trimmed : undefined
}

/** The form works without script. With script the browser does not send the typed text. */
export function kissUrlForm(base: string, asked: string): Html {
  const url = parseAsked(asked)
  const wrong = asked.trim() !== '' && url === undefined
  return html`<form class="converter" action="/" data-converter="${base}">
    <label for="url">URL of an artifact</label>
    <div class="row">
      <input
        id="url"
        name="url"
        type="text"
        inputmode="url"
        value="${asked}"
        placeholder="https://storage.example.com/builds/Image.gz"
        autocomplete="off"
        spellcheck="false"
        ${wrong && html`aria-invalid="true"`}
        aria-describedby="url-hint"
      />
      <button>Convert</button>
    </div>
    <p id="url-hint" class="note" role="status">
      ${wrong ? 'That is no absolute URL: one begins with https://, http:// or s3://' : ''}
    </p>
    <div class="result" ${url === undefined && html`hidden`}>
      <label for="kiss-url">Through this cache</label>
      <div class="row">
        <input id="kiss-url" type="text" readonly value="${url === undefined ? '' : kissUrl(base, url)}" />
        <button type="button" data-copy="kiss-url" hidden>Copy</button>
      </div>
    </div>
  </form>`
}
