/**
 * How good is good: what this package promises to reach, as ratios of the processor time that a
 * request costs the app's server, in one run. Throughput depends too much on what else the machine does.
 */
import { ratio } from './statistics.mjs'

/** The first contender and workload beside the second, and the most that the ratio may be; without that it is shown alone. */
export const GOALS = [
  ...['disk', 'tmpfs'].flatMap(place => [
    goal(`${place}: read / empty hooks`, [`ours-${place}`, 'read'], ['ceiling', 'read'], 1.35),
    goal(`${place}: write / empty hooks`, [`ours-${place}`, 'write'], ['ceiling', 'write'], 2),
    goal(`${place}: read a key of 10 KB / of 100 bytes`, [`ours-${place}`, 'read-10k'], [`ours-${place}`, 'read'], 1.5),
    goal(`${place}: read a key of 100 KB / of 100 bytes`, [`ours-${place}`, 'read-100k'], [`ours-${place}`, 'read'], 3),
    goal(`${place}: change a key of 10 KB / of 100 bytes`, [`ours-${place}`, 'write-10k'], [`ours-${place}`, 'write'], 2),
    goal(`${place}: encrypted read / plain`, [`ours-${place}-encrypted`, 'read'], [`ours-${place}`, 'read'], 1.1),
    goal(`${place}: encrypted read of 10 KB / plain`, [`ours-${place}-encrypted`, 'read-10k'], [`ours-${place}`, 'read-10k'], 1.1),
    goal(`${place}: encrypted write / plain`, [`ours-${place}-encrypted`, 'write'], [`ours-${place}`, 'write']),
    goal(`${place}: encrypted write of 10 KB / plain`, [`ours-${place}-encrypted`, 'write-10k'], [`ours-${place}`, 'write-10k'])
  ]),
  // One call of Node's AES-256-GCM alone costs up to two fifths of a plain save, so a goal beside plain saves would measure that call.
  goal('disk: plain write and one call of AES-256-GCM / plain', ['encryption-floor', 'write'], ['ours-disk', 'write']),
  goal('disk: encrypted write / plain write and one call of AES-256-GCM', ['ours-disk-encrypted', 'write'], ['encryption-floor', 'write'], 1.25),
  // The least gives a file its name before there is anything in it. One that is complete before it has its name is linked, and its first name removed.
  goal('disk: login / the least that a file costs', ['ours-disk', 'login'], ['files-floor', 'login'], 2),
  // The least that a file costs is above these on most disks: a new file costs more than a message to a server, whose own work does not count here.
  goal('disk: login / connect-redis', ['ours-disk', 'login'], ['redis', 'login']),
  goal('disk: login and a new id / connect-redis', ['ours-disk', 'renew'], ['redis', 'renew']),
  goal('Redis: read / connect-redis', ['ours-redis', 'read'], ['redis', 'read'], 0.6),
  goal('Redis: write / connect-redis', ['ours-redis', 'write'], ['redis', 'write'], 0.8),
  goal('Redis with cache: read / disk', ['ours-redis-cached', 'read'], ['ours-disk', 'read'], 1.15),
  goal('PostgreSQL: read / connect-pg-simple', ['ours-postgres', 'read'], ['pg-simple', 'read'], 1),
  goal('PostgreSQL: write / connect-pg-simple', ['ours-postgres', 'write'], ['pg-simple', 'write'], 1)
]

function goal (what, [who, workload], [besideWho, besideWorkload], most) {
  return { what, first: { who, workload }, second: { who: besideWho, workload: besideWorkload }, most }
}

/** Whether a goal needs this measurement. */
export function isNeeded (contender, { name }) {
  return GOALS.some(({ first, second }) => [first, second].some(({ who, workload }) => who === contender.name && workload === name))
}

/** Returns the limit as the table shows it. */
export function limitOf ({ most }) {
  return most === undefined ? 'none' : `≤ ${most}`
}

/** Returns the goals beside what was measured, as markdown, and how many are met, missed and not measured. */
export function compareGoals (running) {
  const count = { met: 0, missed: 0, unmeasured: 0 }
  const rows = GOALS.map(goal => {
    const { what, first, second, most } = goal
    const [cpu, other] = [first, second].map(({ who, workload }) => running.find(({ name }) => name === who)?.results.get(workload)?.cpu)
    if (cpu === undefined || other === undefined) {
      count.unmeasured++
      return `| ${what} | ${limitOf(goal)} | – | – |`
    }
    const { median, min, max } = ratio(cpu, other)
    const measured = `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`
    if (most === undefined) return `| ${what} | ${limitOf(goal)} | ${measured} | – |`
    const isMet = median <= most
    count[isMet ? 'met' : 'missed']++
    return `| ${what} | ${limitOf(goal)} | ${measured} | ${isMet ? 'yes' : '**no**'} |`
  })
  return { table: `| processor time per request | goal | measured | met |\n| --- | ---: | ---: | --- |\n${rows.join('\n')}\n`, ...count }
}
