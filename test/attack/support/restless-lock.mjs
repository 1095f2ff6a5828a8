// Holds a lock and changes its token all the time: node restless-lock.mjs <path>
import fs from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

const [path] = process.argv.slice(2)
let count = 0
for (;;) {
  fs.mkdirSync(path, { recursive: true, mode: 0o700 })
  const token = `${path}/${String(count++).padStart(16, '0')}`
  try {
    const [before] = fs.readdirSync(path)
    if (before === undefined) fs.writeFileSync(token, '', { mode: 0o600 })
    else fs.renameSync(`${path}/${before}`, token)
  } catch {
    // Another process took it away: take it again.
  }
  if (count === 1) process.send('ready')
  await wait(1)
}
