/** Which of an origin's headers are kept with an artifact and shown to clients, and why each. */

/** What an origin said of a body, as far as kiss keeps it. */
export interface StoredHeaders {
  /** As the origin sent it. Clients (LAVA's among them) look at it. */
  readonly contentType?: string
  /** RFC 9110 §8.8.3, verbatim, weak or strong. */
  readonly etag?: string
  /** RFC 9110 §8.8.2, verbatim. */
  readonly lastModified?: string
}
