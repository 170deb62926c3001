#!/usr/bin/env bash
# Believed: what mariadb-dump writes of a database with its default options can be loaded into an empty database of the same name.
# Seen: not if a column's default is NEXTVAL of a sequence. The dump locks the table around its rows (--add-locks, on by
#   default) but not the sequence, which the INSERT opens as well, even though each row gives the column's value:
#     LOCK TABLES `t` WRITE;
#     INSERT INTO `t` VALUES
#     ERROR 1100 (HY000) at line 47: Table 's' was not locked with LOCK TABLES
#     rows loaded: 0
#     rows loaded with --skip-add-locks: 2
#   The default also names the database it was dumped from, so elsewhere the table uses the other database's sequence:
#     `id` bigint(20) NOT NULL DEFAULT nextval(`hospital`.`s`),
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

sql -e 'CREATE DATABASE hospital; USE hospital; CREATE SEQUENCE s;
  CREATE TABLE t (id BIGINT NOT NULL DEFAULT NEXTVAL(s) PRIMARY KEY, name TEXT); INSERT INTO t (name) VALUES ("a"), ("b")'
mariadb-dump "${to[@]}" hospital >dump.sql
mariadb-dump "${to[@]}" --skip-add-locks hospital >no-locks.sql
anew() { sql -e 'DROP DATABASE hospital; CREATE DATABASE hospital'; }
grep -E '^(CREATE SEQUENCE|LOCK|INSERT|UNLOCK)|DEFAULT nextval' dump.sql
grep -q 'DEFAULT nextval(`hospital`.`s`)' dump.sql || changed 'the default no longer names the database'

anew
if sql hospital <dump.sql 2>error.txt; then changed 'the dump loads'; fi
grep '^ERROR' error.txt
grep -q '^ERROR 1100 ' error.txt || changed 'the load fails with another error'
echo "rows loaded: $(sql -e 'SELECT COUNT(*) FROM hospital.t')"

anew
sql hospital <no-locks.sql || changed 'the dump does not load with --skip-add-locks either'
echo "rows loaded with --skip-add-locks: $(sql -e 'SELECT COUNT(*) FROM hospital.t')"
