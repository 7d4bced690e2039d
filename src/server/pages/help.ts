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
      about: html`curl encodes the URL. With <code>-f</code> curl fails when the server answers with an error. With
        <code>-C -</code> a second call continues a download that was cut.`,
      lines: [`curl -fLG '${base}api/v1/fetch' --data-urlencode 'url=${example}' -o Image.gz`],
    },
    {
      id: 'wget',
      title: 'wget',
      about: html`The server proposes the file name in the path, and wget uses it with
        <code>--content-disposition</code>.`,
      lines: [`wget --content-disposition '${base}api/v1/fetch/Image.gz?url=${encodeURIComponent(example)}'`],
    },
    {
      id: 'kiss',
      title: 'kiss',
      about: html`Downloads through this server. If the server cannot be reached, kiss downloads from the origin.`,
      lines: [`kiss fetch --server ${server} ${example}`],
    },
    {
      id: 'lava',
      title: 'LAVA',
      about: html`With these lines in <code>dispatcher.yaml</code> all jobs of a worker use this cache, unchanged.
        <code>kiss lava dispatcher-config</code> prints the same lines. <code>kiss lava rewrite</code> changes a single
        job.`,
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
      about: html`Private artifacts need a token that GitLab accepts. This server passes it to GitLab and does not store
      it. Other clients get the artifact only if GitLab accepts their tokens too.`,
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
      about: html`<code>ttl</code> is the greatest age of the artifact, <code>sha256</code> its expected sum. If the sum
        differs, the transfer ends before the last byte.`,
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
        This server downloads each URL once, streams it to all its clients while it arrives, and stores it. The address
        of an artifact is <code>${request.base}api/v1/fetch?url=</code> followed by its percent-encoded URL.
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
        <h2 id="h-answers">Fields and status of an answer</h2>
        <dl class="words">
          <dt><code>Cache-Status</code></dt>
          <dd>
            <code>hit</code>: from the store; <code>fwd=uri-miss</code>: downloaded for this request;
            <code>collapsed</code>: joined a download in flight; <code>fwd=stale</code>: confirmed by the origin;
            <code>stale-if-error</code>: from the store, because the origin is down.
          </dd>
          <dt><code>Repr-Digest</code></dt>
          <dd>The SHA-256 of the artifact, after its last byte has arrived.</dd>
          <dt><code>X-Request-Id</code></dt>
          <dd>The id of the request in the log of this server.</dd>
          <dt><code>4xx</code></dt>
          <dd>The origin refused (404, 403, …), or the request is wrong. A retry does not help.</dd>
          <dt><code>502, 503, 504</code></dt>
          <dd>The origin failed, or this server is shutting down. Retry after <code>Retry-After</code>.</dd>
        </dl>
      </section>
    `,
  }
}
