// Makes a session as another process: node create-session.mjs <sessionDir> <id> <text>
// Leaves a file `acknowledged` in the directory if the store says that it is made.
import fs from 'node:fs'
import { join } from 'node:path'
import { SessionFileStore } from 'fastify-file-sessions'
import { create } from './create.mjs'

const [sessionDir, sesid, text] = process.argv.slice(2)
const isMade = await create(new SessionFileStore({ sessionDir }), sesid, text).catch(() => false)
if (isMade) fs.writeFileSync(join(sessionDir, 'acknowledged'), '')
