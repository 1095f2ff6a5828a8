import { fileError, isFull, SessionFileError } from '../../errors'
import { printable } from '../../printable'
import type { Disk } from './disk'
import { clockLead, faultsOf, type Needs } from './disk-trials'
import { probePath } from './file-names'
import { isForeignProgram, isNetwork, isVolatile, type FileSystem } from './file-system'
import { localDisk } from './local-disk'
import { removeOrphan } from './orphans'
import { platform as thisPlatform } from './platform'

/** The clock of the file system may differ from the process's by this much (milliseconds): some keep even seconds only. */
const SAME_TIME = 2500

export interface ProbeOptions {
  /** What is synced has to last. */
  durable: boolean
  /** Makes a warning of what breaks the promises. */
  allowUnsafe: boolean
}

interface Findings {
  faults: string[]
  /** Milliseconds by which the clock of the file system is ahead. */
  lead: number
}

/**
 * Finds out whether the file system of the directory can keep the promises of this package: by its
 * name, and by doing there what session files need. Leaves nothing behind, takes a few milliseconds,
 * and any number of processes may do it at once.
 *
 * Returns warnings for the operator.
 *
 * @throws {SessionFileError} that names the file system and what it does not do
 */
export async function probeDirectory (
  directory: string, { durable, allowUnsafe }: ProbeOptions,
  disk: Disk = localDisk, fileSystem?: FileSystem, platform = thisPlatform
): Promise<string[]> {
  let found: FileSystem
  let findings: Findings
  try {
    found = fileSystem ?? await platform.fileSystemOf(directory)
    const { freesOpenFiles, numbersFilesOnce } = platform
    findings = await tryOut(directory, { durable, freesOpenFiles, numbersFilesOnce }, disk)
  } catch (error) {
    // A full disk is trouble that passes: the sessions that are there can be read all the same.
    if (isFull(error)) return [`the file system of ${printable(directory)} was not tried out, for the disk is full`]
    throw fileError('try out the session directory', directory, error)
  }
  const { lead } = findings
  const where = `the file system of ${printable(directory)} (${printable(found.name)})`
  const faults = isNetwork(found)
    ? ['machines that share it do not see each other\'s changes at once', ...findings.faults]
    : findings.faults
  const warnings: string[] = []
  if (isForeignProgram(found)) {
    warnings.push(`${where} is a program's (FUSE): sessions are safe there only if no other machine uses them`)
  }
  if (durable && isVolatile(found)) {
    warnings.push(`${where} ends with the machine or the container: durability 'fsync' keeps nothing longer there`)
  }
  if (Math.abs(lead) > SAME_TIME) {
    warnings.push(`the clock of ${where} is ${Math.round(Math.abs(lead) / 1000)} s ${lead > 0 ? 'ahead of' : 'behind'} ` +
      'this process\'s: sessions may end earlier or later by that')
  }
  if (faults.length > 0) {
    const fault = `${where} cannot keep sessions safe: ${faults.join('; ')}`
    if (!allowUnsafe) {
      throw new SessionFileError(`${fault}. Choose a sessionDir on a local disk. ` +
        'With the option allowUnsafeDirectory: true the app starts all the same')
    }
    warnings.push(fault)
  }
  return warnings
}

async function tryOut (directory: string, needs: Needs, disk: Disk): Promise<Findings> {
  const path = probePath(directory)
  await disk.mkdir(path, 0o700)
  try {
    return { faults: await faultsOf(disk, path, needs), lead: await clockLead(disk, path) }
  } finally {
    await removeOrphan(disk, path)
  }
}
