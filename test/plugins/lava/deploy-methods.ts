/** The deploy methods of LAVA, each with what a job writes below it. `{+NAME}` and `{-NAME}`: see deploy-samples.ts. */

interface Method {
  readonly to: string
  readonly job?: string
  readonly device?: string
  readonly boot?: string
  /** What stands below `to:`. */
  readonly body: string
  /** Warnings, each with its line. */
  readonly said?: readonly string[]
}

const images = `
    images:
      boot:
        url: {+boot.img}
      rootfs:
        url: {+rootfs.img.gz}
        compression: gz
    image:
      url: {-ignored.img}`

const umsImage = `
    image:
      url: {+core-image.wic.xz}
      compression: xz
    images:
      image:
        url: {-ignored.img}`

export const methods: readonly Method[] = [
  { to: 'download', body: images },
  { to: 'fastboot', body: images },
  { to: 'mps', body: images },
  { to: 'recovery', body: images },
  { to: 'uuu', body: images },
  { to: 'fvp', body: `\n    uniquify: false${images}` },
  {
    to: 'downloads',
    body: `
    uniquify: false${images}
    postprocess:
      docker:
        image: http://registry.example.com/tools:latest
        steps:
        - wget {-steps.sh}`,
  },
  { to: 'u-boot-ums', body: umsImage },
  { to: 'usbg-ms', body: umsImage },
  {
    to: 'flasher',
    body: `
    images:
      bootloader:
        url: {+bootloader.bin}
      remote:
        url: {-for-the-flash-command.img}
        download: false
      remote_too:
        url: {-for-the-flash-command-too.img}
        download: no
      rootfs:
        url: {+rootfs.img}
        download: true`,
  },
  {
    to: 'iso-installer',
    device: 'qemu',
    boot: 'qemu-iso',
    body: `
    images:
      iso:
        url: {+netinst.iso}
      preseed:
        url: {+preseed.cfg}
      extra:
        url: {-ignored.img}
    iso:
      kernel: /install.amd/vmlinuz
      initrd: /install.amd/initrd.gz
      installation_size: 2G`,
  },
  {
    to: 'musca',
    body: `
    images:
      test_binary:
        url: {+tfm.hex}
      recovery_image:
        url: {-ignored.zip}`,
  },
  {
    to: 'nbd',
    body: `
    initrd:
      url: {+initrd.gz}
    kernel:
      url: {+zImage}
    dtb:
      url: {+bbb.dtb}
    nbdroot:
      url: {+rootfs.ext4}
    modules:
      url: {-ignored.tar.xz}
    ramdisk:
      url: {-ignored.cpio.gz}`,
  },
  {
    to: 'nfs',
    job: 'nfs-qemu',
    device: 'qemu',
    boot: 'qemu-nfs',
    body: `
    uefi:
      url: {+QEMU_EFI.fd}
    images:
      nfsrootfs:
        url: {+rootfs.tar.gz}
        image_arg: 'nfsroot={NFS_SERVER_IP}:{nfsrootfs},tcp,hard,intr'
      kernel:
        url: {+vmlinuz}
      initrd:
        url: {+initrd.img}`,
  },
  {
    to: 'nfs',
    body: `
    nfsrootfs:
      url: {+rootfs.tar.xz}
    modules:
      url: {+modules.tar.xz}
    kernel:
      url: {-ignored}
    uefi:
      url: {-ignored.fd}
    images:
      kernel:
        url: {-ignored}`,
    said: ['17: images is downloaded on QEMU devices only, and the job does not say that it is for one; left as it is'],
  },
  {
    to: 'avh',
    job: 'avh-without-images',
    body: `
    images: {}
    fw_package:
      url: {+firmware.zip}`,
  },
  {
    to: 'qdl',
    device: 'qcs6490',
    body: `
    qcomflash:
      url: {+qcomflash.tar.gz}
    image:
      url: {-ignored.img}
    rootfs_image: rootfs.img`,
  },
  {
    to: 'tftp',
    body: `
    ramdisk:
      url: {+ramdisk.cpio.gz}
    kernel:
      url: {+Image}
    dtb:
      url: {+board.dtb}
    nfsrootfs:
      url: {+rootfs.tar.xz}
    modules:
      url: {+modules.tar.xz}
    preseed:
      url: {+preseed.cfg}
    tee:
      url: {+tee.bin}
    dtbo:
    - url: {+one.dtbo}
    - url: {+two.dtbo}
      compression: gz
    extra_files:
      firmware:
        url: {+firmware.bin}
      notes: {url: {+notes.txt}}
    image:
      url: {-ignored.img}
    images:
      rootfs:
        url: {-ignored-too.img}
    persistent_nfs:
      address: http://nfs.example.com/export
    os: debian`,
  },
  {
    to: 'tmpfs',
    device: 'qemu',
    boot: 'qemu',
    body: `
    uefi:
      url: {+QEMU_EFI.fd}
    images:
      rootfs:
        url: {+rootfs.img.gz}
        image_arg: -drive format=raw,file={rootfs}
      kernel:
        url: {+bzImage}
    image:
      url: {-ignored.img}`,
  },
  {
    to: 'vemsd',
    body: `
    recovery_image:
      url: {+board-recovery.zip}
      compression: zip
    images:
      recovery_image:
        url: {-ignored.zip}`,
  },
  // Where a job has `images`, the method ignores the artifact beside them; without `images` it downloads that one.
  ...['sata', 'sd', 'usb'].map((to) => ({
    to,
    body: `
    device: ${to}-0
    images:
      image:
        url: {+image.img.gz}
        compression: gz
      bmap:
        url: {+image.bmap}
    image:
      url: {-ignored.img}
    download:
      tool: /usr/bin/wget
      options: --no-check-certificate --no-proxy --progress=dot:giga -O - {DOWNLOAD_URL}
# without them it is the one
- deploy:
    to: ${to}
    device: ${to}-1
    image:
      url: {+image.img.gz}
    bmap:
      url: {-ignored.bmap}`,
  })),
  {
    to: 'avh',
    device: 'avh',
    body: `
    options:
      model: rpi4b
      api_endpoint: https://app.avh.example.com/api
    images:
      kernel:
        url: {+Image}
      dtb:
        url: {+bcm2711-rpi-4-b.dtb}
      rootfs:
        url: {+rootfs.ext4}
        root_partition: 1
    fw_package:
      url: {-ignored.zip}

- deploy:
    to: avh
    options: {model: kronos, api_endpoint: "https://app.avh.example.com/api"}
    fw_package:
      url: {+firmware.zip}`,
  },
]
