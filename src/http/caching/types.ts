/** What a cache by RFC 9111 knows of requests and of stored answers. */

/** Lower-case names; repeated fields joined with `, ` (RFC 9110 §5.3). */
export type Fields = Readonly<Record<string, string>>

export interface AskedFor {
  readonly method: 'GET' | 'HEAD'
  /** The end-to-end fields of the request. */
  readonly fields: Fields
  /** It carries a credential: Authorization, or what counts as one here. */
  readonly credentialed: boolean
}

/** The final answer of an origin. */
export interface Answered {
  readonly status: number
  /** As they came, for this hop too. */
  readonly fields: Fields
}

/** Plain JSON: a part of the entry. */
export interface StoredAnswer {
  readonly status: number
  /** The fields that may be stored. */
  readonly fields: Fields
  /** Milliseconds since the epoch: when the request went out, and when the answer or its last confirmation came. */
  readonly requestedAt: number
  readonly receivedAt: number
  /** What the request had of the fields that Vary names; null: nothing. */
  readonly vary: Readonly<Record<string, string | null>>
  /** Of a 206: which bytes are stored; `length` of the whole, where it is known. */
  readonly part?: Part | undefined
}

/** Bytes, inclusive. */
export interface Part {
  readonly first: number
  readonly last: number
  readonly length: number | undefined
}
