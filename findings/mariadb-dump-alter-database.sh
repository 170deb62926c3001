#!/usr/bin/env bash
# Believed: a dump of one database without --databases names no database, so it changes only the one it is loaded into.
# Seen: around a trigger (or routine) that was made under another default collation than the database has now, the dump
#   alters the database by the name it was dumped from. A load into "target" changes the default of "source" for good:
#     ALTER DATABASE `source` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci ;
#     ALTER DATABASE `source` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci ;
#     default of source before a load into target: latin1_swedish_ci
#     default of source after it: utf8mb4_unicode_ci
#   and where there is no "source" the load fails, and the trigger is missing:
#     ERROR 1 (HY000) at line 39: Can't create/write to file './source/db.opt' (Errcode: 2 "No such file or directory")
# Versions: MariaDB 10.11.19 (Debian 12, 1:10.11.19-0+deb12u1): server, client, mariadb-dump.
# Needs Debian 12 (amd64) with apt's lists up to date (apt-get update). Ends 0 while this holds, 1 when it has changed, 2 when it cannot be tried.
set -euo pipefail
export LC_ALL=C
dir=$(mktemp -d)
server=''
finish() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server"; } || true
  rm -rf "$dir"
}
trap finish EXIT
changed() { echo "changed: $*"; exit 1; }

# The packages, unpacked in this folder only; the libraries are those that a bare Debian lacks.
cd "$dir"
v=1:10.11.19-0+deb12u1
apt-get -qq download 2>error.txt \
  "mariadb-server-core=$v" "mariadb-client-core=$v" "mariadb-client=$v" liburing2=2.3-3 libaio1=0.3.113-4 libnuma1=2.0.16-1 \
  libedit2=3.1-20221030-2 libncurses6=6.4-4 libbsd0=0.11.7-2 libssl3=3.0.22-1~deb12u2 || { cat error.txt; exit 2; }
for deb in *.deb; do dpkg -x "$deb" root; done
export LD_LIBRARY_PATH="$dir/root/usr/lib/x86_64-linux-gnu:$dir/root/lib/x86_64-linux-gnu"
export PATH="$dir/root/usr/bin:$dir/root/usr/sbin:$PATH"
start=(--no-defaults --basedir="$dir/root/usr" --datadir="$dir/data" --user="$(id -un)")
mariadb-install-db "${start[@]}" --auth-root-authentication-method=normal --skip-test-db >install.log 2>&1 || { cat install.log; exit 2; }
mariadbd "${start[@]}" --skip-networking --socket="$dir/s" --pid-file="$dir/pid" --innodb-buffer-pool-size=16M >server.log 2>&1 &
server=$!
to=(--no-defaults --socket="$dir/s" --user=root)
for _ in $(seq 600); do mariadb "${to[@]}" -e 'DO 1' 2>/dev/null && break; sleep 0.2; done
sql() { mariadb "${to[@]}" --batch --skip-column-names "$@"; }

sql -e 'CREATE DATABASE source CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; CREATE TABLE source.t (a INT)'
sql source -e 'CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a + 1'
# As when a hospital's database is moved from one default collation to another:
sql -e 'ALTER DATABASE source CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci'
mariadb-dump "${to[@]}" --routines source >dump.sql
grep 'ALTER DATABASE' dump.sql || changed 'the dump holds no ALTER DATABASE'
if grep -qE '^(USE|CREATE DATABASE)' dump.sql; then changed 'the dump names its database elsewhere too'; fi

collation() { sql -e "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'source'"; }
sql -e 'ALTER DATABASE source CHARACTER SET latin1 COLLATE latin1_swedish_ci; CREATE DATABASE target'
echo "default of source before a load into target: $(collation)"
sql target <dump.sql || changed 'the dump does not load beside source'
echo "default of source after it: $(collation)"
[ "$(collation)" = utf8mb4_unicode_ci ] || changed 'the load leaves the other database alone'

sql -e 'DROP DATABASE source; DROP DATABASE target; CREATE DATABASE target'
if sql target <dump.sql 2>error.txt; then changed 'the dump loads where there is no source'; fi
grep '^ERROR' error.txt
[ "$(sql -e 'SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = "target"')" = 0 ] || changed 'the trigger was made'
