/** Reads and makes the host names of Amazon S3 in every partition. Pure. */

/** A group of regions in which bucket names are unique. */
export interface Partition {
  readonly name: string
  /** What its host names end with. */
  readonly suffix: string
  /** The region that stands for the partition where none is known. */
  readonly home: string
  /** What its regions begin with. */
  readonly prefix: string
}

const aws: Partition = { name: 'aws', suffix: 'amazonaws.com', home: 'us-east-1', prefix: '' }

/** As in the endpoint rules of the AWS SDKs; the commercial partition comes last because its prefix fits every region. */
const partitions: readonly Partition[] = [
  { name: 'aws-us-gov', suffix: 'amazonaws.com', home: 'us-gov-west-1', prefix: 'us-gov-' },
  { name: 'aws-cn', suffix: 'amazonaws.com.cn', home: 'cn-north-1', prefix: 'cn-' },
  { name: 'aws-eusc', suffix: 'amazonaws.eu', home: 'eusc-de-east-1', prefix: 'eusc-' },
  { name: 'aws-iso', suffix: 'c2s.ic.gov', home: 'us-iso-east-1', prefix: 'us-iso-' },
  { name: 'aws-iso-b', suffix: 'sc2s.sgov.gov', home: 'us-isob-east-1', prefix: 'us-isob-' },
  { name: 'aws-iso-e', suffix: 'cloud.adc-e.uk', home: 'eu-isoe-west-1', prefix: 'eu-isoe-' },
  { name: 'aws-iso-f', suffix: 'csp.hci.ic.gov', home: 'us-isof-south-1', prefix: 'us-isof-' },
  aws,
]

const REGION = '[a-z]{2,4}(?:-[a-z]+)+-\\d{1,2}'
const region = new RegExp(`^${REGION}$`)

/** Is this the name of an AWS region? Asked of whatever an answer names before it becomes part of a host name. */
export function isAwsRegion(text: string): boolean {
  return region.test(text)
}

export function partitionOf(regionName: string): Partition {
  return partitions.find(({ prefix }) => regionName.startsWith(prefix)) ?? aws
}

/** How AWS is asked: over IPv6 too, by FIPS 140 hosts, by the nearest edge. */
export interface AwsOptions {
  readonly dualstack: boolean
  readonly fips: boolean
  readonly accelerate: boolean
}

export interface AwsHost extends AwsOptions {
  readonly partition: Partition
  /** undefined: the host names none (path style). */
  readonly bucket: string | undefined
  /** undefined: the host names none (`s3.amazonaws.com`, accelerate). */
  readonly region: string | undefined
}

const front = new RegExp(
  '^(?:(?<bucket>.+)\\.)?' +
    '(?:s3(?<fips>-fips)?(?<dual>\\.dualstack)?[.-](?<region>' +
    REGION +
    ')|(?<global>s3|s3-external-1)|s3-(?<accelerate>accelerate)(?<accelerateDual>\\.dualstack)?)$',
)

/**
 * Reads a lower-case host name; undefined where it is not one that objects are read from (websites, access points,
 * control and directory-bucket hosts are not).
 */
export function parseAwsHost(hostname: string): AwsHost | undefined {
  const suffix = partitions.find((p) => hostname.endsWith(`.${p.suffix}`))?.suffix
  if (suffix === undefined) return undefined
  const groups = front.exec(hostname.slice(0, -suffix.length - 1))?.groups
  if (groups === undefined) return undefined
  const { bucket, region: named, fips, dual, accelerate, accelerateDual } = groups
  if (accelerate !== undefined && bucket === undefined) return undefined
  const partition = named === undefined ? partitions.findLast((p) => p.suffix === suffix) : partitionOf(named)
  if (partition?.suffix !== suffix) return undefined
  return {
    partition,
    bucket,
    region: named,
    dualstack: dual !== undefined || accelerateDual !== undefined,
    fips: fips !== undefined,
    accelerate: accelerate !== undefined,
  }
}

/** The host of S3 itself, without a bucket. */
export function awsHost(partition: Partition, regionName: string | undefined, options: AwsOptions): string {
  const dualstack = options.dualstack ? '.dualstack' : ''
  if (options.accelerate) return `s3-accelerate${dualstack}.${partition.suffix}`
  const fips = options.fips ? '-fips' : ''
  const place = regionName ?? (partition === aws && fips === '' && dualstack === '' ? undefined : partition.home)
  return `s3${fips}${dualstack}${place === undefined ? '' : `.${place}`}.${partition.suffix}`
}

/** May a bucket stand in a host name? A name with a dot may not: no certificate covers it. */
export function fitsHostname(bucket: string): boolean {
  return /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket)
}
