#!/usr/bin/env node
import { run } from './cli/program'

run(process.argv.slice(2), { in: process.stdin, out: process.stdout, err: process.stderr })
  .then(exitCode => { process.exitCode = exitCode })
