import t from 'tap'
import { systemError } from '../../../lib/errors'
import type { DirectoryCalls } from '../../../lib/store/files/disk'
import { localDisk } from '../../../lib/store/files/local-disk'
import { fileSystemOf, isForeignProgram, isNetwork, isVolatile, privateMountOptions } from '../../../lib/store/files/file-system'

const MOUNTS = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:5 / /dev rw,nosuid - devtmpfs devtmpfs rw
41 22 0:38 / /srv rw,relatime shared:1 - nfs4 server:/export rw
42 41 0:39 / /srv/with\\040space rw,relatime shared:1 master:2 - fuse.sshfs user@host: rw
43 22 0:40 / /home rw,relatime - tmpfs tmpfs rw
44 22 0:41 / /home rw,relatime - xfs /dev/vdb rw

not a mount at all
`

/** The calls of a machine with these mounts, where the directory is what it seems to be. */
function callsWith (mounts: string | null, type = 0xef53): DirectoryCalls {
  return {
    ...localDisk,
    realpath: async path => path,
    statfs: async path => Object.assign(await localDisk.statfs('/'), { type, path }),
    async mounts () {
      if (mounts === null) throw systemError('ENOENT', 'no such file or directory', 'open')
      return mounts
    }
  }
}

t.test('the file system of a directory is that of the innermost mount, and of the last there', async t => {
  for (const [path, name] of [
    ['/var/sessions', 'ext4'], ['/srv', 'nfs4'], ['/srv/app', 'nfs4'], ['/srvother', 'ext4'],
    ['/srv/with space/sessions', 'fuse.sshfs'], ['/home/app', 'xfs']
  ] as const) t.strictSame(await fileSystemOf(path, callsWith(MOUNTS)), { name }, path)
})

t.test('without a list of mounts it is known by its number, if at all', async t => {
  t.strictSame(await fileSystemOf('/srv', callsWith(null, 0x6969)), { name: 'nfs' })
  t.strictSame(await fileSystemOf('/srv', callsWith(null, 0xef53)), { name: 'of type 0xef53' })
  t.strictSame(await fileSystemOf('/srv', callsWith('nothing of use', 0xff534d42)), { name: 'cifs' })
})

t.test('the file system of a directory of this machine is known', async t => {
  t.match(await fileSystemOf(t.testdir()), { name: /./ })
  await t.rejects(fileSystemOf('/nowhere/at/all'), { code: 'ENOENT' })
})

t.test('the name of a file system says what kind it is', async t => {
  const names = ['ext4', 'xfs', 'btrfs', 'apfs', 'nfs', 'nfs4', 'cifs', 'smb3', '9p', 'ceph', 'fuse', 'fuseblk', 'fuse.sshfs', 'fuse.s3fs',
    'fuse.glusterfs', 'fuse.bindfs', 'fuse.other', 'virtiofs', 'tmpfs', 'overlay', 'fuse.fuse-overlayfs', 'of type 0x1']
  const those = (is: (fileSystem: { name: string }) => boolean): string[] => names.filter(name => is({ name }))
  t.strictSame(those(isNetwork), ['nfs', 'nfs4', 'cifs', 'smb3', '9p', 'ceph', 'fuse.sshfs', 'fuse.s3fs', 'fuse.glusterfs'])
  t.strictSame(those(isForeignProgram), ['fuse', 'fuse.other', 'virtiofs'])
  t.strictSame(those(isVolatile), ['tmpfs', 'overlay', 'fuse.fuse-overlayfs'])
  t.equal(privateMountOptions({ name: 'ext4' }, 33), null)
  t.equal(privateMountOptions({ name: 'vfat' }, 33), 'uid=33,umask=077')
  t.equal(privateMountOptions({ name: 'smb3' }, 33), 'uid=33,dir_mode=0700,file_mode=0600')
})
