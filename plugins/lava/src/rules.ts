/** What LAVA downloads over http and https: the table of LAVA's deploy methods, and the lists of a test action. */

/**
 * Artifacts as paths below the deploy action: `images.*` is every key of `images`, `dtbo[]` every item of the list.
 * An artifact is a mapping with `url`.
 */
export interface DeployRule {
  readonly artifacts: readonly string[]
  /** What LAVA takes in place of `artifacts` when the action has `images` (and, for nfs, the device is QEMU). */
  readonly withImages?: readonly string[]
  readonly onlyOnQemu?: true
  /** `images` counts only if it is not empty. */
  readonly unlessEmpty?: true
  /** An artifact in which this key is false is not downloaded: its URL goes elsewhere. */
  readonly unless?: string
}

const images: DeployRule = { artifacts: ['images.*'] }
const imagesOrImage: DeployRule = { artifacts: ['image'], withImages: ['images.*'] }
const nothing: DeployRule = { artifacts: [] }

/** By `deploy: to:`. */
export const deployRules: Readonly<Record<string, DeployRule>> = {
  tftp: {
    artifacts: ['ramdisk', 'kernel', 'dtb', 'nfsrootfs', 'modules', 'preseed', 'tee', 'dtbo[]', 'extra_files.*'],
  },
  nbd: { artifacts: ['initrd', 'kernel', 'dtb', 'nbdroot'] },
  nfs: { artifacts: ['nfsrootfs', 'modules'], withImages: ['uefi', 'images.*'], onlyOnQemu: true },
  tmpfs: { artifacts: ['uefi', 'images.*'] },
  'iso-installer': { artifacts: ['images.iso', 'images.preseed'] },
  fastboot: images,
  fvp: images,
  mps: images,
  recovery: images,
  uuu: images,
  download: images,
  downloads: images,
  flasher: { artifacts: ['images.*'], unless: 'download' },
  musca: { artifacts: ['images.test_binary'] },
  vemsd: { artifacts: ['recovery_image'] },
  usb: imagesOrImage,
  sd: imagesOrImage,
  sata: imagesOrImage,
  'u-boot-ums': { artifacts: ['image'] },
  'usbg-ms': { artifacts: ['image'] },
  qdl: { artifacts: ['qcomflash'] },
  avh: { artifacts: ['fw_package'], withImages: ['images.*'], unlessEmpty: true },
  docker: nothing,
  overlay: nothing,
  lxc: nothing,
  ssh: nothing,
}

/** An artifact's overlays are artifacts, each with its own `use_cache`; this one is LAVA's own and has no URL. */
export const ownOverlay = 'lava'

/** What stands in the list of actions. LAVA refuses a job with any other name in it, such as the `repeat` of old. */
export const actionNames: ReadonlySet<string> = new Set(['deploy', 'boot', 'test', 'command'])

/** Lists of a test action whose items with `from: url` name their URL in `repository`. */
export const testLists = ['definitions', 'services'] as const
