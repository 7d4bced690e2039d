/** The host of a URL as text. Pure. */

/** With its port; of `s3://bucket/key` the bucket. */
export function hostOf(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1] ?? ''
}
