/** How to use this server: commands to copy, with its own address. */

import { html, type Html } from './html.js'
import { kissUrl } from './kiss-url.js'
import type { Page } from './layout.js'
import type { PageContext } from './site.js'

const example = 'https://storage.example.com/builds/Image.gz'

/** Commands in a box with a copy button; `id` is the id of the box on the page. */
interface Block {
  readonly id: string
  readonly title: string
  readonly about: Html
  readonly lines: readonly string[]
}

function blocksFor(base: string): Block[] {
  const server = base.replace(/\/$/, '')
  const url = kissUrl(base, example)
  return [
    {
      id: 'curl',
      title: 'curl',
      about: html`Let curl encode the URL. <code>-f</code> makes an error of the origin an error of curl; on a second
        call <code>-C -</code> goes on where the first was cut.`,
      lines: [`curl -fLG '${base}api/v1/fetch' --data-urlencode 'url=${example}' -o Image.gz`],
    },
    {
      id: 'wget',
      title: 'wget',
      about: html`The file name in the path is the one that this server proposes; wget takes it with
        <code>--content-disposition</code>.`,
      lines: [`wget --content-disposition '${base}api/v1/fetch/Image.gz?url=${encodeURIComponent(example)}'`],
    },
    {
      id: 'kiss',
      title: 'kiss',
      about: html`Streams through this server, and falls back to the origin when the server is down.`,
      lines: [`kiss fetch --server ${server} ${example}`],
    },
    {
      id: 'lava',
      title: 'LAVA',
      about: html`In the <code>dispatcher.yaml</code> of a worker: all its jobs go through this cache, unchanged.
        <code>kiss lava dispatcher-config</code> prints the same; for single jobs there is
        <code>kiss lava rewrite</code>.`,
      lines: [
        `http_url_format_string: '${base}api/v1/fetch?url=%s'`,
        'http_cache_fallback_origin_url: true',
        'http_cache_exclude_rules:',
        `- '^${server.replace(/[.[\]]/g, '\\$&')}/api/v1/fetch[/?]'`,
      ],
    },
    {
      id: 'gitlab',
      title: 'GitLab CI',
      about: html`Private artifacts need a token that GitLab accepts: this server passes it on, keeps the artifact to
      those whose token GitLab accepts too, and stores no token.`,
      lines: [
        'test:',
        '  variables:',
        `    KISS: "${server}"`,
        '  script:',
        '    - >',
        '      curl -fLG "$KISS/api/v1/fetch" -H "JOB-TOKEN: $CI_JOB_TOKEN" -o build.zip',
        '      --data-urlencode "url=$CI_API_V4_URL/projects/$CI_PROJECT_ID/jobs/artifacts/main/download?job=build"',
      ],
    },
    {
      id: 'parameters',
      title: 'With a lifetime and a sum',
      about: html`<code>ttl</code> is how old it may be, <code>sha256</code> what it has to be: otherwise the transfer
        fails, and never with a whole file.`,
      lines: [`curl -fL '${url}&ttl=1d&sha256=<64 hex digits>' -o Image.gz`],
    },
  ]
}

export function helpPage({ request }: PageContext): Page {
  return {
    title: 'Help',
    current: '/help/',
    body: html`
      <p>
        This server downloads each URL once, streams it to everybody who asks while it arrives, and keeps it. Ask for
        <code>${request.base}api/v1/fetch?url=</code> and the percent-encoded URL.
      </p>
      ${blocksFor(request.base).map(
        ({ id, title, about, lines }) =>
          html`<section aria-labelledby="h-${id}">
            <h2 id="h-${id}">${title}</h2>
            <p>${about}</p>
            <div class="code">
              <pre id="${id}"><code>${lines.join('\n')}</code></pre>
              <button type="button" data-copy="${id}" aria-label="Copy the lines for ${title}" hidden>Copy</button>
            </div>
          </section>`,
      )}
      <section aria-labelledby="h-answers">
        <h2 id="h-answers">What answers say</h2>
        <dl class="words">
          <dt><code>Cache-Status</code></dt>
          <dd>
            <code>hit</code> from the store, <code>fwd=uri-miss</code> downloaded for you, <code>collapsed</code> joined
            a download in flight, <code>fwd=stale</code> confirmed by the origin, <code>stale-if-error</code> the origin
            is down.
          </dd>
          <dt><code>Repr-Digest</code></dt>
          <dd>The SHA-256 of the whole artifact, once it has arrived.</dd>
          <dt><code>X-Request-Id</code></dt>
          <dd>Names the request in the log of this server.</dd>
          <dt><code>4xx</code></dt>
          <dd>What the origin said (404, 403, …), or what is wrong with the request. Asking again does not help.</dd>
          <dt><code>502, 503, 504</code></dt>
          <dd>The origin failed, or this server is shutting down. Ask again after <code>Retry-After</code>.</dd>
        </dl>
      </section>
    `,
  }
}
