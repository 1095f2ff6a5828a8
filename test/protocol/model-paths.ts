/** Where the store believes its directory to be. */
export const SESSION_DIR = '/m'

const STORED = /^\/m\/[^/]+\/([0-9a-f]{2})\/([0-9a-f]{62})/
const TOKEN = /[0-9a-f]{16}/g

/** Returns the name of a session under which the model has it as `/<sesid>`. */
export function nameOf (sesid: string): string {
  return Buffer.from(sesid, 'latin1').toString('hex').padEnd(64, '0')
}

/** Returns the path as the model has it, to be read by people: directories of the store are left out, and hexadecimal digits are text. */
export function modelPath (path: string): string {
  return path.replace(STORED, (_, shard: string, rest: string) => `/${textOf(shard + rest)}`).replace(TOKEN, textOf)
}

/** Returns the token that the model has as this text. */
export function tokenOf (text: string): string {
  return Buffer.from(text, 'latin1').toString('hex').padEnd(16, '0')
}

function textOf (digits: string): string {
  return Buffer.from(digits, 'hex').toString('latin1').replace(/\0+$/, '')
}
