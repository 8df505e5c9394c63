#!/usr/bin/env bash
# SQLite 3.54.1 (apsw 3.54.1.0): a database in WAL mode that was closed cleanly, so that it is one file with everything in
# it, cannot be read where no file may grow, as on a full volume: SQLITE_IOERR_SHMOPEN, "disk I/O error". Opening it read
# only does not help, since even a reader makes the -shm file. The same file in journal mode DELETE is read, and the WAL one
# with immutable=1. Who takes "disk I/O error" at the start for damage sets a good database aside, as we did: only
# SQLITE_CORRUPT and SQLITE_NOTADB are damage. (A limit of file size stands for the full volume here; a full tmpfs answers
# alike.)
# Output seen: see `want` below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install --only-binary :all: apsw==3.54.1.0
cat >"$folder/read.py" <<'PYTHON'
import os, resource, signal, sys
import apsw

folder = sys.argv[1]
for name in ("delete", "wal"):
    db = apsw.Connection(f"{folder}/{name}")
    list(db.execute(f"pragma journal_mode={name}; create table t(x); insert into t values(7)"))
    db.close()
print("sqlite", apsw.sqlite_lib_version(), sorted(f for f in os.listdir(folder)))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
for name, how in (("delete", "mode=ro"), ("wal", "mode=ro"), ("wal", "mode=rw"), ("wal", "mode=ro&immutable=1")):
    try:
        db = apsw.Connection(f"file:{folder}/{name}?{how}", flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
        print(name, how, list(db.execute("select x from t")))
    except apsw.Error as e:
        code = apsw.mapping_extended_result_codes[e.extendedresult]
        print(name, how, e, code)
PYTHON
mkdir "$folder/data"
want="sqlite 3.54.1 ['delete', 'wal']
delete mode=ro [(7,)]
wal mode=ro disk I/O error SQLITE_IOERR_SHMOPEN
wal mode=rw disk I/O error SQLITE_IOERR_SHMOPEN
wal mode=ro&immutable=1 [(7,)]"
got=$("$folder/venv/bin/python" "$folder/read.py" "$folder/data" 2>&1 | cat)
echo "$got"
[ "$got" = "$want" ] || { echo "this changed; expected:"; echo "$want"; exit 1; }
