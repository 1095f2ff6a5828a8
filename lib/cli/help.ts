/** The texts of the help that are longer than a line. */

export const EXIT_CODES = `
Exit codes:
  0  done, nothing wrong
  1  verify or doctor found something; import failed for some; there is no such
     session or appid
  2  wrong usage, or trouble with the disk or the server`

export const PLACE_HELP = `
A place is a session directory, or the URL of a server: redis://, rediss://, valkey://,
valkeys://, postgres:// or postgresql://. Other users can read a command line while it
runs, so keep a password out of it: env:SESSIONS_URL stands for the URL in the environment
variable of that name. ?prefix= in the URL names the prefix of keys in Redis, ?table= and
?schema= the table in PostgreSQL, where they are not those of the stores' defaults. The
client (redis, ioredis or iovalkey; pg) is that of the project in the working directory.

A directory, and what is in it, must belong to you and be closed to all others. Root
may name any user's directory: the command then becomes that user before it looks into
it, and can do no more than the app can. The directories and links that lead there must
be root's or that user's: others could lead it astray.

In a project that has the package, npx --no-install file-sessions runs this command.`

export const CLEAN_HELP = `
Removes what the app's own reaper would remove: sessions that were not used for as
long as --idle says, or longer if they say so themselves, and with --absolute those in
files older than that; locks that crashed processes left behind more than 10 minutes
ago; what was set aside more than a week ago. Other files are left alone. May run
beside the app.

A session that has expired stays for one minute more, for requests that loaded it before:
so a session made with --idle 30s goes after 90 seconds. Redis removes expired sessions by
itself; clean only counts there.

  npx --no-install file-sessions clean ./sessions --idle 2h`

export const LIST_HELP = `
Ages, idle times and sizes (bytes of text) for each appid: the least, the average and the
greatest. With --sessions a line for each session, with the handle by which the app's log
names it. With --json the times are in milliseconds. Session ids are not printed: they
are not stored.

Encrypted sessions are counted by format and by the id of their secret, which is not a
secret. With --secrets the number of the secret in that file stands beside it: once a
number is not in the list any more, that secret can be taken from the app's list.

What cannot be read is counted, with the first reason, and the exit code is 2.`

export const ID_HELP = `
The id is the cookie's value; of a signed cookie, what stands before the last dot, and
URL-decoded. "-" reads it from standard input, so that it stands in no shell history:

  npx --no-install file-sessions $COMMAND ./sessions --appid sid - < id.txt`

export const SHOW_ENCRYPTED_HELP = `

An encrypted session is opened with its id. If it is encrypted under a secret of the app
as well, --secrets must name a file that has it, which only its owner may read. Where it
does not open, all but the text is printed, and the exit code is 2.`

const INDEX_HELP = `
--index names one of the app's option indexes, such as user, and <value> is what its function
returned, such as the user's id. Where the app encrypts under secrets, values are hashed
under them, and --secrets must name a file with all of them. --appid may be left out where
there are sessions of one app alone.`

export const OF_HELP = `
Prints a line for each live session that has the value: its handle, when it was made, when
it was last used, when it ends if it is not used, and what the app's option about said of
it. --idle and --absolute must be the app's. With --json the times are in milliseconds
since 1970.
${INDEX_HELP}

  npx --no-install file-sessions of ./sessions --index user 42`

export const REVOKE_HELP = `
Ends the session with this handle for good, or with --index every session that has the
value, and says how many. No request that is under way brings one back. Interrupted, it can
be run again. "file-sessions of", "list --sessions" and the app's log name sessions by their
handles. --except spares one session; a handle that begins with two hyphens is given as
--except=<handle>. Sessions that have expired and were not removed yet count as well.
${INDEX_HELP}

  npx --no-install file-sessions revoke ./sessions --index user 42`

export const REINDEX_HELP = `
Enters sessions that are older than the app's option indexes at once, which happens at
their next save otherwise. Also makes lists of indexes anew that are damaged, and puts
sessions back into lists that have lost them. --module names a file that exports indexes, as the app has
them, and codec if the app has one:

  export const indexes = { user: data => data.user?.id }

It is run with your rights. --idle and --absolute must be the app's. May run beside the app,
and again: what is right stays as it is. To be entered is not use of a session.
maxPerValue ends none of them here. Encrypted sessions cannot be looked into without
their ids: they are counted, and enter when they are saved.

Where the app encrypts under secrets, values are hashed under them: --secrets must name a
file with them.

  npx --no-install file-sessions reindex ./sessions --module ./indexes.mjs`

export const VERIFY_HELP = `
Prints one line for each problem, the kind first and then the path:
  torn        holds bytes that are not a whole record, or plain text beside an encrypted
              session. Of a session that is still there, the last whole save counts; the
              next one repairs the file.
  foreign     is not a session's; nothing here ever touches it
  unreadable  cannot be read, with the reason: the disk or its permissions say no, the
              file is longer than --max-size allows, or a newer version wrote it

On a server everything is read and decoded once: what cannot be is unreadable.`

export const IMPORT_HELP = `
Reads the directory of session-file-store (an express-session store) and makes its
sessions under the same ids in ours. Nothing is changed over there; sessions that have
expired are left out, ones that are present here are left as they are, so it may run
again. A session that was imported before and has ended since is counted as ended and
stays ended: the file .imported-<appid> in <dir> remembers, as hashes, what was imported.
Keep it until the old sessions are deleted.

If the app has the option indexes, name its module with --module, as for reindex: then
revokeAll and sessionsOf find the imported sessions at once. It is run with your rights.

Let neither app run meanwhile. If the directory is new, be the user that the app runs as:
the files will be yours. As root, let the app make the directory first, and see that its
user may read the other one.

With --secrets the sessions are encrypted. Without it they are plain text until the app, with
its option encryption, saves them for the first time.

Sessions that could not be read are named by path on standard error. THE NAMES OF THOSE
FILES ARE SESSION IDS, as good as passwords: keep that output to yourself.

  npx --no-install file-sessions import ./old-sessions ./sessions --appid sid --ttl 2h`

export const COPY_HELP = `
Copies every live session from one place to the other, with its id, data and times:
between directories, Redis and PostgreSQL, in any direction. --idle and --absolute must be
the app's. A session that is there already is left as it is, so that an interrupted copy
can be done again; so can one that stopped because a server did not answer. The session
keeps its age and ends when it would have ended.

No app may use either place meanwhile: a session that its visitor ends after it was copied
would still be alive in the copy. For the same reason remove the old place afterwards.

With --move each session leaves the old place as it arrives in the new one, and counts as
used. The app may run meanwhile if it uses both places by MovingSessionStore, or none. It
also completes moves that a crashed process left unfinished.

  npx --no-install file-sessions copy ./sessions env:REDIS_URL --idle 2h`

export const SCHEMA_HELP = `
For a database where the app's own role may not make tables. It can run any number of times.

  npx --no-install file-sessions schema | psql shop`

export const DOCTOR_HELP = `
Prints a line for each finding, "good" or "look" first. In a directory it tries out what
the app tries at its start: it writes a little and removes it again. Whether the reaper
comes by, sessions tell that have expired and are still there, so --idle and --absolute
must be the app's. On a server it does what the store does when it is opened.`

export const STATS_HELP = `
Sessions, bytes of text, and how many were used and made in the last interval, or in the
time since the line before. "removed" counts those that ended or expired since then. All
of it comes from looking at every session: what is made and ended between two looks is in
no count, and many sessions take their time. The app's events tell of every load, save and
conflict: see Events in docs/operations.md. With --json each line is an object.`
