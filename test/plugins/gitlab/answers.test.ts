import assert from 'node:assert/strict'
import { description, refusal } from '#gitlab/answers.js'
import { instanceOf } from '#gitlab/instance.js'

const lab = instanceOf('https://example.com/gitlab')!
const base = 'https://example.com/gitlab'
const api = `${base}/api/v4/projects/lab%2Fkernel`
const html = { 'content-type': 'text/html; charset=utf-8' }

function refused(url: string, headers: Record<string, string>, { status = 200, hop = 0 } = {}): string | undefined {
  return refusal(lab, { url: new URL(url), hop, status, headers })
}

describe('a sign-in page of GitLab', () => {
  const artifact = `${api}/jobs/1/artifacts/Image.gz`
  for (const location of [
    `${base}/users/sign_in`,
    '/gitlab/users/sign_in?redirect=1',
    `${base}/users/auth/openid_connect`,
    `${base}/groups/lab/-/saml/sso?token=abc`,
    `${base}/oauth/authorize?client_id=1`,
  ]) {
    it(`is seen behind a redirect to ${location}`, () => {
      assert.equal(
        refused(artifact, { location }, { status: 302 }),
        'example.com/gitlab wants a sign-in for job artifact of lab/kernel: a token is missing, or may not read it',
      )
    })
  }

  it('is not seen behind other redirects', () => {
    for (const location of [
      'https://storage.example.net/users/sign_in',
      '/users/sign_in',
      `${base}/lab/kernel2`,
      '::',
    ]) {
      assert.equal(refused(artifact, { location }, { status: 302 }), undefined, location)
    }
  })

  it('is no end for an archive, which the API may still give', () => {
    const location = `${base}/users/sign_in`
    assert.equal(refused(`${base}/lab/kernel/-/archive/v1/kernel-v1.zip`, { location }, { status: 302 }), undefined)
    assert.match(
      refused(`${base}/lab/kernel/-/package_files/1/download`, { location }, { status: 302 })!,
      /no token on this URL/,
    )
  })

  const pages: [what: string, url: string, headers: Record<string, string>, hop: number, taken: boolean][] = [
    ['HTML for an image', artifact, html, 0, false],
    ['XHTML for an image', artifact, { 'content-type': 'application/xhtml+xml' }, 0, false],
    ['an image', artifact, { 'content-type': 'application/octet-stream' }, 0, true],
    ['an image without a type', artifact, {}, 0, true],
    [
      'a report with its name',
      `${api}/jobs/1/artifacts/report`,
      { ...html, 'content-disposition': 'attachment; filename="report"' },
      0,
      true,
    ],
    [
      'a report shown inline',
      `${api}/jobs/1/artifacts/report.html`,
      { ...html, 'content-disposition': "inline; filename*=UTF-8''report.html" },
      0,
      true,
    ],
    ['a report by its URL alone', `${api}/jobs/1/artifacts/out/report.HTML`, html, 0, true],
    ['a report by its web URL alone', `${base}/lab/kernel/-/jobs/1/artifacts/raw/report.htm`, html, 0, true],
    [
      'a page with a session for a report',
      `${api}/jobs/1/artifacts/report.html`,
      { ...html, 'set-cookie': '_gitlab_session=1; path=/' },
      0,
      false,
    ],
    ['HTML for a zip', `${api}/jobs/1/artifacts`, html, 0, false],
    ['HTML from the API', `${base}/api/v4/user`, html, 0, false],
    ['a page of the instance', `${base}/lab/kernel`, html, 0, false],
    ['a page that is named as a file', `${base}/help/index.html`, html, 0, true],
    ['the sign-in page itself', `${base}/users/sign_in`, html, 0, false],
    ['HTML of another host', 'https://login.example.net/', html, 1, false],
    ['a report in the object storage', 'https://s3.example.net/b/report.html?X-Amz-Signature=1', html, 1, true],
    [
      'a package in the object storage',
      'https://s3.example.net/b/1234',
      { ...html, 'content-disposition': 'attachment;filename=a' },
      1,
      true,
    ],
    ["another host's sign-in page", 'https://example.net/sso/login.html', html, 1, false],
  ]
  for (const [what, url, headers, hop, taken] of pages) {
    it(`is ${taken ? 'not ' : ''}${what}`, () => assert.equal(refused(url, headers, { hop }) === undefined, taken))
  }

  it('is only looked for where there is a body to keep', () => {
    for (const status of [304, 404, 500]) assert.equal(refused(artifact, html, { status }), undefined)
  })
})

describe('a failure of GitLab', () => {
  const rows: [
    status: number,
    excerpt: string,
    url: string,
    credential: Parameters<typeof description>[2],
    said: string | undefined,
  ][] = [
    [
      401,
      '{"message":"401 Unauthorized"}',
      `${api}/jobs/1/artifacts`,
      'sent',
      'job artifact of lab/kernel: the token is wrong, expired or revoked (401)',
    ],
    [
      401,
      '{"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}',
      `${api}/jobs/1/artifacts`,
      'sent',
      'job artifact of lab/kernel: the token has expired (401)',
    ],
    [
      401,
      '{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}',
      `${api}/jobs/1/artifacts`,
      'sent',
      'job artifact of lab/kernel: the token was revoked (401)',
    ],
    [
      403,
      '{"error":"insufficient_scope"}',
      `${api}/repository/files/a/raw?ref=b`,
      'sent',
      'file of lab/kernel: the token lacks a scope: read_api, or read_repository for files (403)',
    ],
    [
      403,
      '{"message":"403 Forbidden"}',
      `${api}/packages/generic/a/1/b`,
      'sent',
      'package file of lab/kernel: the token may not read it (403)',
    ],
    [
      404,
      '{"message":"404 Project Not Found"}',
      `${api}/jobs/1/artifacts`,
      'none set',
      'job artifact of lab/kernel: there is none, or this request may not read it: GitLab gives one answer for both (404); no token is set for this instance',
    ],
    [
      404,
      '{"message":"404 Project Not Found"}',
      `${api}/jobs/1/artifacts`,
      'not lent',
      'job artifact of lab/kernel: there is none, or this request may not read it: GitLab gives one answer for both (404); the server lends its token only to projects in KISS_GITLAB_PROJECTS',
    ],
    [
      404,
      '{"message":"404 File Not Found"}',
      `${api}/repository/files/a/raw?ref=b`,
      'sent',
      'file of lab/kernel: there is no such file (404)',
    ],
    [
      404,
      '{"message":"404 Commit Not Found"}',
      `${api}/repository/files/a/raw?ref=b`,
      'sent',
      'file of lab/kernel: there is no such branch, tag or commit; in the URL of a page, write the slashes of its name as %2F (404)',
    ],
    [
      404,
      '{"message":"404 Not Found"}',
      `${api}/jobs/1/artifacts/x`,
      'sent',
      'job artifact of lab/kernel: there is no such job or file, it has expired, or this request may not read it (404)',
    ],
    [
      400,
      '{"error":"job is missing"}',
      `${api}/jobs/artifacts/main/download`,
      'sent',
      'job artifact of lab/kernel: the URL needs ?job=NAME',
    ],
    [
      429,
      'Retry later',
      `${base}/lab/kernel/-/archive/v1/a.zip`,
      'sent',
      'archive of lab/kernel: asked too often (429)',
    ],
    [403, '', `${base}/lab`, 'sent', 'the page: the token may not read it (403)'],
    [500, 'oops', `${api}/jobs/1/artifacts`, 'sent', undefined],
  ]
  for (const [status, excerpt, url, credential, said] of rows) {
    it(`is told: ${said ?? 'left to the default'}`, () => {
      const failure = { url: new URL(url), hop: 0, status, headers: {}, excerpt }
      assert.equal(description(lab, failure, credential), said && `example.com/gitlab: ${said}`)
    })
  }
})
