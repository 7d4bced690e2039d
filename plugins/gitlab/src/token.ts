/** The kinds of tokens of GitLab, and their headers. */

export const tokenKinds = ['private', 'job', 'bearer', 'deploy'] as const
export type TokenKind = (typeof tokenKinds)[number]

/** Header names are lower case. Throws where a deploy token is not `user:token`. */
export function tokenHeaders(kind: TokenKind, token: string): Readonly<Record<string, string>> {
  switch (kind) {
    case 'private':
      return { 'private-token': token }
    case 'job':
      return { 'job-token': token }
    case 'bearer':
      return { authorization: `Bearer ${token}` }
    case 'deploy':
      if (!/^[^:]+:./.test(token)) throw new Error('a deploy token has to be written as user:token')
      return { authorization: `Basic ${Buffer.from(token).toString('base64')}` }
  }
}
