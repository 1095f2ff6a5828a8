import { hook } from './fs-hooks.mjs'

const NUMBERS = {
  nfs4: 0x6969,
  cifs: 0xff534d42,
  smb3: 0xfe534d42,
  smbfs: 0x517b,
  ceph: 0x00c36400,
  afs: 0x5346414f,
  '9p': 0x01021997,
  vfat: 0x4d44
}
let pretended = null

/** Has the kernel say of every directory that it is on this file system: by its number, and in the lists of mounts. */
export function pretendMount (name) {
  if (pretended === null) {
    hook('statfs', () => status => Object.assign(status, { type: typeof status.type === 'bigint' ? BigInt(NUMBERS[pretended]) : NUMBERS[pretended] }))
    hook('readFile', path => {
      const list = listOfMounts(String(path))
      return list === null ? undefined : content => typeof content === 'string' ? list : Buffer.from(list)
    })
  }
  pretended = name
}

function listOfMounts (path) {
  if (/^\/proc\/(\w+\/)?mountinfo$/.test(path)) return `1 0 8:1 / / rw,relatime - ${pretended} /dev/disk rw\n`
  if (/^(\/proc\/(\w+\/)?mounts|\/etc\/mtab)$/.test(path)) return `/dev/disk / ${pretended} rw,relatime 0 0\n`
  return null
}
