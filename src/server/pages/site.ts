/** The dependencies of the pages, and the conversion of a page to a route. */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { KissError } from '../../errors.js'
import type { Price } from '../../units.js'
import { compressed } from '../compression.js'
import { wantsPage } from '../incoming.js'
import type { Reply } from '../reply.js'
import type { Handler, Incoming, Route, Services } from '../route.js'
import type { Snapshots } from '../snapshots.js'
import { html } from './html.js'
import { pageReply, type Page } from './layout.js'
import type { View } from './view.js'

export interface Site {
  /** Returns the address of a static file. */
  readonly asset: (name: string) => string
  readonly snapshots: Snapshots
  readonly egressPrice: Price | undefined
}

/** The data of a page. */
export interface PageContext extends Site {
  readonly services: Services
  readonly request: Incoming
  readonly query: URLSearchParams
  readonly view: View
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Token of the forms of the signed-in administrator; undefined for other clients. */
  readonly token: string | undefined
}

type Make = (context: PageContext) => Page | Reply | Promise<Page | Reply>

export function pageRoute(site: Site, path: RegExp, make: Make): Route {
  return { path, guard: 'client', handlers: { GET: pageHandler(site, make) } }
}

/** A form of the administrator: POST performs the action; GET shows the form's page if there is one. */
export function formRoute(site: Site, path: RegExp, { page, act }: { readonly page?: Make; readonly act: Act }): Route {
  const post: Handler = async (request, services) => {
    const form = await request.form()
    const adminToken = services.access.adminToken(request.headers)
    if (adminToken === undefined || !isFormToken(adminToken, form.get('token') ?? '', services.now())) {
      const message = 'this form is out of date, or not of this server'
      if (!wantsPage(request)) throw new KissError('client-forbidden', message, { hint: 'load the page again' })
      request.notes.code = 'client-forbidden'
      return pageHandler(site, () => expiredForm)(request, services)
    }
    return pageHandler(site, (context) => act(context, form))(request, services)
  }
  const admin = page === undefined ? { POST: post } : { GET: pageHandler(site, page), POST: post }
  return { path, guard: 'client', handlers: {}, admin }
}

/** A page that was open for 12 hours, or the form of another site. */
const expiredForm: Page = {
  status: 403,
  title: 'Nothing was changed',
  current: '',
  body: html`<p>The form is out of date, or it is not of this server.</p>
    <p><a href="/resources/successes/">All entries</a></p>`,
}

type Act = (context: PageContext, form: URLSearchParams) => Page | Reply | Promise<Page | Reply>

function pageHandler(site: Site, make: Make): Handler {
  return async (request, services) => {
    const view = await site.snapshots.view(request.role)
    const query = new URLSearchParams(request.query)
    const now = services.now()
    const adminToken = services.access.adminToken(request.headers)
    const token = adminToken === undefined ? undefined : formToken(adminToken, now)
    const context = { ...site, services, request, query, view, now, token }
    const page = await make(context)
    if ('headers' in page) return page
    const { role } = request
    const { hasAdmin } = services.access
    const isCluster = services.engine.cluster !== undefined
    const frame = { asset: site.asset, role, hasAdmin, version: services.version, isCluster, view, now }
    return compressed(pageReply(page, frame), request)
  }
}

/** Redirects to another page, which the browser requests with GET (RFC 9110 §15.4.4). */
export function seeOther(location: string): Reply {
  return { status: 303, headers: { Location: location, 'Cache-Control': 'no-store' } }
}

/** Milliseconds that a form may lie open. */
const LIFETIME = 12 * 3_600_000

/**
 * A browser sends the admin token with the forms of every site, but only this server can compute the form token. It is derived
 * from the admin token, so that every worker accepts it, before and after a restart. The salt makes it different on each page,
 * so that the length of a compressed page reveals nothing.
 * @param now milliseconds since the epoch
 */
function formToken(adminToken: string, now: number, salt = randomBytes(12).toString('hex')): string {
  const until = (now + LIFETIME).toString(36)
  return `${until}.${salt}.${mac(adminToken, until, salt)}`
}

function isFormToken(adminToken: string, token: string, now: number): boolean {
  const [until = '', salt = '', given = ''] = token.split('.')
  const wanted = Buffer.from(mac(adminToken, until, salt))
  const shown = Buffer.from(given)
  return shown.length === wanted.length && timingSafeEqual(shown, wanted) && parseInt(until, 36) > now
}

function mac(adminToken: string, until: string, salt: string): string {
  return createHmac('sha256', adminToken).update(`kiss form ${until} ${salt}`).digest('hex')
}
