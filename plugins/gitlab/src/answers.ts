/** What GitLab's answers mean: sign-in pages, HTML that is no artifact, and failures in plain words. Pure. */

import type { UpstreamAnswer, UpstreamFailure } from 'kiss-cache'
import { apiArchive } from './archive.js'
import { pathBelow, type Instance } from './instance.js'
import { readUrl } from './read.js'
import type { Resource } from './resource.js'

/** Below the instance: where GitLab sends a client without a right to a page, its own form or that of an identity provider. */
const signIn = /^(users\/(sign_in|auth\/|saml\/)|oauth\/authorize|admin\/session\/new|groups\/.+\/-\/saml\/)/

export function isSignIn(instance: Instance, url: URL): boolean {
  return signIn.test(pathBelow(instance, url) ?? '')
}

/** Why an answer with status 200 or a redirect is not the artifact. */
export function refusal(instance: Instance, answer: UpstreamAnswer): string | undefined {
  const resource = readUrl(instance, answer.url)
  const target = redirectTarget(answer)
  if (target !== undefined) {
    // An archive is asked for once more, of the API: see the provider's `authorise`.
    if (!isSignIn(instance, target) || (resource && apiArchive(resource))) return undefined
    return `${instance.label} wants a sign-in for ${whatIs(resource)}: ${why(resource)}`
  }
  if (answer.status !== 200 || !isHtml(answer) || isArtifactInHtml(instance, answer)) return undefined
  const from = pathBelow(instance, answer.url) === undefined ? answer.url.host : instance.label
  return `${from} answered with a web page, probably a sign-in page, where an artifact was asked for`
}

function why(resource: Resource | undefined): string {
  return resource?.kind === 'package'
    ? 'GitLab takes no token on this URL; use the package URL of the API'
    : 'a token is missing, or may not read it'
}

/** The target of a redirect; undefined for another answer, and for a Location that is no URL. */
function redirectTarget({ status, headers, url }: UpstreamAnswer): URL | undefined {
  const location = headers['location']
  if (status < 300 || status > 399 || location === undefined) return undefined
  return URL.canParse(location, url.href) ? new URL(location, url) : undefined
}

function isHtml({ headers }: UpstreamAnswer): boolean {
  return /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(headers['content-type'] ?? '')
}

/**
 * A report in HTML is an artifact, too. GitLab names the file of every download in Content-Disposition and of no page; where
 * that is missing, the URL has to name an HTML file, no session may begin with it, and it may not look like a sign-in.
 */
function isArtifactInHtml(instance: Instance, { url, headers }: UpstreamAnswer): boolean {
  if (/\bfilename\*?=|^\s*attachment\b/i.test(headers['content-disposition'] ?? '')) return true
  if (/_gitlab_session|_session_id/.test(headers['set-cookie'] ?? '')) return false
  const resource = readUrl(instance, url)
  if (resource !== undefined) return isHtmlName(resource.name)
  return isHtmlName(url.pathname) && !/sign[-_]?in|log[-_]?in|sso|saml|auth/i.test(`${url.host}${url.pathname}`)
}

function isHtmlName(name: string | undefined): boolean {
  return name !== undefined && /\.x?html?$/i.test(name)
}

/** GitLab knows the project, and no such branch, tag or commit in it. */
export function isUnknownRef({ status, excerpt }: UpstreamFailure): boolean {
  return status === 404 && !/404 (File|Project|Group|Job) Not Found/i.test(excerpt)
}

/** GitLab does not show the project, which it says of private and of missing ones alike. */
export function isHiddenProject({ status, excerpt }: UpstreamFailure): boolean {
  return status === 404 && /404 Project Not Found/i.test(excerpt)
}

/** The known facts about the credential of a request that failed. */
export type Credential = 'none set' | 'not lent' | 'sent'

/** One line in plain words, from known words only: nothing that the origin or the client wrote is repeated. */
export function description(instance: Instance, failure: UpstreamFailure, credential: Credential): string | undefined {
  const resource = readUrl(instance, failure.url)
  const said = meaning(failure, resource, credential)
  return said && `${instance.label}: ${whatIs(resource)}: ${said}`
}

function meaning(
  { status, excerpt }: UpstreamFailure,
  resource: Resource | undefined,
  credential: Credential,
): string | undefined {
  switch (status) {
    case 400:
      return /job is missing/.test(excerpt) ? 'the URL needs ?job=NAME' : undefined
    case 401:
      if (/expired/i.test(excerpt)) return 'the token has expired (401)'
      if (/revoked/i.test(excerpt)) return 'the token was revoked (401)'
      return 'the token is wrong, expired or revoked (401)'
    case 403:
      if (/insufficient_scope/.test(excerpt))
        return 'the token lacks a scope: read_api, or read_repository for files (403)'
      return 'the token may not read it (403)'
    case 404:
      return `${notFound(resource, excerpt)} (404)${advice[credential]}`
    case 429:
      return 'asked too often (429)'
    default:
      return undefined
  }
}

function notFound(resource: Resource | undefined, excerpt: string): string {
  if (/404 File Not Found/i.test(excerpt)) return 'there is no such file'
  if (/404 Commit Not Found/i.test(excerpt)) {
    return 'there is no such branch, tag or commit; in the URL of a page, write the slashes of its name as %2F'
  }
  if (resource?.kind === 'artifact' && !/404 Project Not Found/i.test(excerpt))
    return 'there is no such job or file, it has expired, or this request may not read it'
  return 'there is none, or this request may not read it: GitLab gives one answer for both'
}

const advice: Readonly<Record<Credential, string>> = {
  'none set': '; no token is set for this instance',
  'not lent': '; the server lends its token only to projects in KISS_GITLAB_PROJECTS',
  sent: '',
}

const kinds = {
  artifact: 'job artifact',
  file: 'file',
  archive: 'archive',
  package: 'package file',
  release: 'release download',
}

function whatIs(resource: Resource | undefined): string {
  return resource === undefined ? 'the page' : `${kinds[resource.kind]} of ${resource.project}`
}
