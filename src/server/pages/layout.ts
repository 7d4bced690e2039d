/** The parts of every page: head, navigation, foot, and the HTTP headers. Pure. */

import type { Reply } from '../reply.js'
import { html, type Html } from './html.js'
import { navigationNumber, type NumberName } from './numbers.js'
import type { Role, View } from './view.js'

export interface Page {
  /** Default 200. */
  readonly status?: number
  /** The value of WWW-Authenticate. */
  readonly challenge?: string
  readonly title: string
  /** Path of the page that is marked in the navigation. */
  readonly current: string
  readonly body: Html
  /** Seconds after which a page without script reloads, because its figures change. */
  readonly refresh?: number
}

export interface Frame {
  /** Returns the address of a static file. */
  readonly asset: (name: string) => string
  readonly role: Role
  /** True if the server has an admin token. */
  readonly hasAdmin: boolean
  readonly version: string
  readonly isCluster: boolean
  readonly view: View
  /** Milliseconds since the epoch. */
  readonly now: number
}

const links: readonly (readonly [path: string, name: string, number?: NumberName])[] = [
  ['/', 'Overview'],
  ['/statistics/', 'Statistics'],
  ['/resources/successes/', 'Entries'],
  ['/resources/downloading/', 'Downloading', 'downloading'],
  ['/resources/scheduled/', 'Waiting', 'waiting'],
  ['/resources/failures/', 'Failures', 'failed'],
  ['/help/', 'Help'],
]

/** The page of nodes exists only in a cluster. */
function linksOf({ isCluster }: Frame): typeof links {
  return isCluster ? [...links.slice(0, -1), ['/nodes/', 'Nodes'], ...links.slice(-1)] : links
}

/** Allows no external content, no inline content and no frames. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': policy,
  'X-Content-Type-Options': 'nosniff',
  // The address of a page can contain a search text.
  'Referrer-Policy': 'no-referrer',
  Vary: 'Authorization, X-Kiss-Token',
}

export function pageReply(page: Page, frame: Frame): Reply {
  const { status = 200, challenge } = page
  const headers = challenge === undefined ? pageHeaders : { ...pageHeaders, 'WWW-Authenticate': challenge }
  return { status, headers, body: render(page, frame) }
}

function render(page: Page, frame: Frame): string {
  const { asset, role, hasAdmin, version } = frame
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${page.title} · kiss</title>
        <link rel="icon" type="image/svg+xml" href="${asset('icon.svg')}" />
        <link rel="stylesheet" href="${asset('uPlot.css')}" />
        <link rel="stylesheet" href="${asset('style.css')}" />
        ${page.refresh !== undefined && html`<noscript><meta http-equiv="refresh" content="${page.refresh}" /></noscript>`}
        <script src="${asset('uPlot.js')}" defer></script>
        <script src="${asset('main.js')}" type="module"></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="top">
          <div class="bar">
            <a class="brand" href="/">kiss</a>
            <nav aria-label="Pages">
              <ul>
                ${linksOf(frame).map(
                  ([path, name, number]) =>
                    html`<li>
                      <a href="${path}" ${path === page.current && html`aria-current="page"`}
                        >${name}${number !== undefined && navigationNumber(number, frame)}</a
                      >
                    </li>`,
                )}
              </ul>
            </nav>
          </div>
        </header>
        <main id="main" tabindex="-1">
          <h1>${page.title}</h1>
          ${page.body}
        </main>
        <footer>
          <p>
            kiss ${version} · <a href="/api/v1/status/">status</a> · <a href="/metrics">metrics</a>
            ${adminNote(role, hasAdmin)}
          </p>
          <p id="connection" role="status" aria-live="polite"></p>
        </footer>
      </body>
    </html> `.text
}

function adminNote(role: Role, hasAdmin: boolean): Html | false {
  if (role === 'admin') return html`· signed in as admin: private artifacts are shown`
  return hasAdmin && html`· <a href="/sign-in">sign in as admin</a>`
}
