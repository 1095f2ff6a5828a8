// For `node --import`: the process works on a disk that loses what was not synced, below LOSSY_ROOT, and the power is
// cut when it ends: LOSSY_LEFT is what is left.
import { lossyDisk } from './lossy-disk.mjs'

const { LOSSY_ROOT, LOSSY_LEFT } = process.env
const disk = lossyDisk(LOSSY_ROOT)
process.on('exit', () => { disk.cutPower(LOSSY_LEFT) })
