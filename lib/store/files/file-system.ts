import type { DirectoryCalls } from './disk'
import { localDisk } from './local-disk'

/**
 * Which file system a directory is on, and what is known of it by its name.
 */
export interface FileSystem {
  /** As the kernel's list of mounts has it, such as `ext4`, `nfs4` or `fuse.sshfs`. */
  name: string
}

/** Names of file systems by the number that `statfs` returns on Linux, where the list of mounts cannot be read. */
const NAMES: Record<number, string> = {
  0x6969: 'nfs',
  0xff534d42: 'cifs',
  0xfe534d42: 'smb3',
  0x517b: 'smbfs',
  0x564c: 'ncpfs',
  0x5346414f: 'afs',
  0x6b414653: 'afs',
  0x73757245: 'coda',
  0x00c36400: 'ceph',
  0x7461636f: 'ocfs2',
  0x01161970: 'gfs2',
  0x0bd00bd0: 'lustre',
  0x47504653: 'gpfs',
  0x19830326: 'beegfs',
  0x01021997: '9p',
  0x65735546: 'fuse',
  0x4d44: 'vfat',
  0x2011bab0: 'exfat',
  0x7366746e: 'ntfs3',
  0x01021994: 'tmpfs',
  0x858458f6: 'ramfs',
  0x794c7630: 'overlay'
}

const NETWORK = /^(nfs\d?|cifs|smb\d?|smbfs|ncpfs|afs|coda|ceph|ocfs2|gfs2|lustre|gpfs|beegfs\w*|9p|davfs\d?)$/
const NETWORK_FUSE = /^fuse\.(sshfs|s3fs|gcsfuse|rclone|glusterfs|ceph\S*|davfs\S*|juicefs\S*|goofys|mount-?s3|mountpoint-s3|blobfuse\d?|curlftpfs|nfs\S*|smbnetfs|seaweedfs|moosefs|mfs\S*)$/
const LOCAL_FUSE = /^(fuseblk|fuse\.(bindfs|fuse-overlayfs))$/
const VOLATILE = /^(tmpfs|ramfs|overlay|fuse\.fuse-overlayfs)$/
const WITHOUT_MODES = /^(vfat|msdos|exfat|ntfs\d?|fuseblk|cifs|smb\d?)$/

/** Returns the file system that the directory is on. */
export async function fileSystemOf (directory: string, calls: DirectoryCalls = localDisk): Promise<FileSystem> {
  const { type } = await calls.statfs(directory)
  const path = await calls.realpath(directory)
  const name = await calls.mounts().then(mounts => mountAt(mounts, path)?.name, () => undefined)
  return { name: name ?? NAMES[type] ?? `of type 0x${type.toString(16)}` }
}

/** Whether it is shared between machines, which do not see each other's changes in time. */
export function isNetwork ({ name }: FileSystem): boolean {
  return NETWORK.test(name) || NETWORK_FUSE.test(name)
}

/** Whether a program of which nothing is known here decides what the file system does. */
export function isForeignProgram ({ name }: FileSystem): boolean {
  return /^(fuse|virtiofs)/.test(name) && !LOCAL_FUSE.test(name) && !NETWORK_FUSE.test(name)
}

/** Whether what is on it goes with the machine's next start, or with the container. */
export function isVolatile ({ name }: FileSystem): boolean {
  return VOLATILE.test(name)
}

/** Returns the mount options that keep others out where files have no owners and modes; null where they have. */
export function privateMountOptions ({ name }: FileSystem, uid: number): string | null {
  if (!WITHOUT_MODES.test(name)) return null
  return /^(cifs|smb)/.test(name) ? `uid=${uid},dir_mode=0700,file_mode=0600` : `uid=${uid},umask=077`
}

export interface Mount extends FileSystem {
  /** Such as `rw` and `noatime`. */
  options: string[]
}

/** Returns the mount that the path is in: the last one with the longest mount point. */
export function mountAt (mounts: string, path: string): Mount | undefined {
  let longest = 0
  let mount: Mount | undefined
  for (const line of mounts.split('\n')) {
    // 36 35 98:0 /root /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw
    const [,,,, point, options = ''] = line.split(' ')
    const mountPoint = point?.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)))
    const name = / - (\S+)/.exec(line)?.[1]
    if (mountPoint === undefined || name === undefined || mountPoint.length < longest) continue
    if (mountPoint !== '/' && path !== mountPoint && !path.startsWith(`${mountPoint}/`)) continue
    longest = mountPoint.length
    mount = { name, options: options.split(',') }
  }
  return mount
}
