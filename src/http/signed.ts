/** The time until which a signed URL is answered. Pure. */

/** A date as ISO 8601 writes it without separators. */
const compact = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

/** Milliseconds since the epoch; undefined for a URL without signature, or whose signature does not say it. */
export function signedUntil({ searchParams }: URL): number | undefined {
  const query = new Map([...searchParams].map(([name, value]) => [name.toLowerCase(), value]))
  // AWS Signature Version 4, Google Cloud Storage V4, Alibaba OSS V4.
  for (const vendor of ['amz', 'goog', 'oss']) {
    const date = (query.get(`x-${vendor}-date`) ?? '').replace(compact, '$1-$2-$3T$4:$5:$6Z')
    const end = Date.parse(date) + Number(query.get(`x-${vendor}-expires`)) * 1000
    if (!Number.isNaN(end)) return end
  }
  // AWS Signature Version 2, CloudFront, Google Cloud Storage V2, Alibaba OSS V1.
  const expires = query.has('signature') ? Number(query.get('expires')) : NaN
  if (!Number.isNaN(expires)) return expires * 1000
  // Azure shared access signatures.
  const end = query.has('sig') ? Date.parse(query.get('se') ?? '') : NaN
  return Number.isNaN(end) ? undefined : end
}
