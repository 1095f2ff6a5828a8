import type { Finding, Place } from './place'
import { printJson, printStyled, type Terminal } from './terminal'

export interface DoctorOptions {
  /** Seconds. */
  idle: number
  absolute?: number
  json?: boolean
}

/** Looks at the place as the app does at its start, and at what helps to find out what is wrong. */
export async function doctor (place: Place, { idle, absolute, json = false }: DoctorOptions, terminal: Terminal): Promise<number> {
  const findings: Finding[] = []
  for await (const finding of place.findings({ idleTimeout: idle, absoluteTimeout: absolute })) {
    findings.push(finding)
    const { subject, isGood, text } = finding
    if (!json) printStyled(terminal.out, isGood ? 'reset' : 'yellow', `${isGood ? 'good' : 'look'}  ${subject}: ${text}`)
  }
  if (json) printJson(terminal.out, findings)
  return findings.every(({ isGood }) => isGood) ? 0 : 1
}
