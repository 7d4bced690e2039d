/** URLs that came with a signature: recognises them, and removes the signature. Pure. */

interface SignatureFamily {
  /** Lower-case names that are all there when the URL is signed in this way. */
  readonly marks: readonly string[]
  /** Further names that belong to the signature. */
  readonly also: RegExp
}

const families: readonly SignatureFamily[] = [
  // AWS Signature Version 4, as AWS, MinIO, Ceph, Garage, R2, … take it.
  { marks: ['x-amz-signature'], also: /^x-amz-/ },
  // AWS Signature Version 2.
  { marks: ['awsaccesskeyid', 'signature', 'expires'], also: /^x-amz-/ },
  // Google Cloud Storage, V4 and V2.
  { marks: ['x-goog-signature'], also: /^x-goog-/ },
  { marks: ['googleaccessid', 'signature', 'expires'], also: /^x-goog-/ },
  // Alibaba Cloud OSS.
  { marks: ['ossaccesskeyid', 'signature', 'expires'], also: /^security-token$/ },
  // CloudFront in front of a bucket.
  { marks: ['key-pair-id', 'signature'], also: /^(expires|policy|hash-algorithm)$/ },
]

/** Parameters that change the answer and not the object: headers to send, checksums to add, the SDK's name of the call. */
const manners = /^(response-(cache-control|content-[a-z]+|expires)|x-id)$/

/** Parameters of S3 that are a credential by themselves. */
const secrets = /^x-amz-(signature|credential|security-token|server-side-encryption-customer-key)$/

/** Did this URL come with a signature? */
export function isSigned(url: URL): boolean {
  return familiesOf(url).length > 0
}

/** Does the query hold a credential, a signature or a part of one? */
export function holdsCredential(url: URL): boolean {
  return isSigned(url) || names(url).some((name) => secrets.test(name))
}

/** The raw parameters that are left when signature and manners are taken away, in their order. */
export function contentParameters(url: URL): string[] {
  const signed = familiesOf(url)
  return parameters(url).filter((parameter) => {
    const name = nameOf(parameter)
    if (manners.test(name) || name.startsWith('x-amz-')) return false
    return !signed.some(({ marks, also }) => marks.includes(name) || also.test(name))
  })
}

/** A URL may have been signed twice: for the distribution in front, and for the bucket behind. */
function familiesOf(url: URL): SignatureFamily[] {
  const present = new Set(names(url))
  return families.filter(({ marks }) => marks.every((mark) => present.has(mark)))
}

function names(url: URL): string[] {
  return parameters(url).map(nameOf)
}

function parameters(url: URL): string[] {
  return url.search === '' ? [] : url.search.slice(1).split('&')
}

function nameOf(parameter: string): string {
  return (new URLSearchParams(parameter).keys().next().value ?? '').toLowerCase()
}
