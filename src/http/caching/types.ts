/** Requests and stored answers of a cache by RFC 9111. */

/** Lower-case names; repeated fields joined with `, ` (RFC 9110 §5.3). */
export type Fields = Readonly<Record<string, string>>

export interface AskedFor {
  readonly method: 'GET' | 'HEAD'
  /** The end-to-end fields of the request. */
  readonly fields: Fields
  /** It carries a credential: Authorization, or a header that counts as one. */
  readonly credentialed: boolean
}

/** The final answer of an origin. */
export interface Answered {
  readonly status: number
  /** The fields as received, hop-by-hop fields included. */
  readonly fields: Fields
}

/** Plain JSON: a part of the entry. */
export interface StoredAnswer {
  readonly status: number
  /** The fields that may be stored. */
  readonly fields: Fields
  /** Milliseconds since the epoch: the time of the request, and that of the answer or its last confirmation. */
  readonly requestedAt: number
  readonly receivedAt: number
  /** The request's values of the fields that Vary names; null: the request had none. */
  readonly vary: Readonly<Record<string, string | null>>
  /** The stored range of a 206; `length`: that of the whole, if it is known. */
  readonly part?: Part | undefined
}

/** Bytes, inclusive. */
export interface Part {
  readonly first: number
  readonly last: number
  readonly length: number | undefined
}
