#!/usr/bin/env bash
# Believed: a row that a server has taken can be loaded into the same server again from a dump with --hex-blob.
# Seen: --hex-blob writes two characters for each byte, and a row is never split over statements. A row of 700,000 bytes
#   under max_allowed_packet = 1M becomes a statement that the same server refuses; mariadb-dump itself ends 0, no warning:
#     max_allowed_packet: 1048576  700000
#     --skip-hex-blob: the dump has 701870 bytes and ends 0; its load ends 0: no error
#     --hex-blob: the dump has 1401870 bytes and ends 0; its load ends 1: ERROR 2006 (HY000) at line 37: Server has gone away
#   (Some connections get ERROR 1153, "Got a packet bigger than 'max_allowed_packet' bytes", or 2013 instead.)
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
mariadbd "${start[@]}" --skip-networking --socket="$dir/s" --pid-file="$dir/pid" --innodb-buffer-pool-size=16M --max-allowed-packet=1M >server.log 2>&1 &
server=$!
to=(--no-defaults --socket="$dir/s" --user=root)
for _ in $(seq 600); do mariadb "${to[@]}" -e 'DO 1' 2>/dev/null && break; sleep 0.2; done
sql() { mariadb "${to[@]}" --batch --skip-column-names "$@"; }

sql -e 'CREATE DATABASE source; CREATE DATABASE target; CREATE TABLE source.t (a LONGBLOB);
  INSERT INTO source.t VALUES (REPEAT(UNHEX("80"), 700000)); SELECT CONCAT("max_allowed_packet: ", @@max_allowed_packet), LENGTH(a) FROM source.t'
load() { # option -> the exit code of the load; its error is in error.txt
  mariadb-dump "${to[@]}" "$1" source >dump.sql || changed "the dump with $1 fails"
  local code=0; sql target <dump.sql >all.txt 2>&1 || code=$?
  grep -a '^ERROR' all.txt >error.txt || echo 'no error' >error.txt
  echo "$1: the dump has $(wc -c <dump.sql) bytes and ends 0; its load ends $code: $(cut -c1-120 error.txt)"
  return "$code"
}
load --skip-hex-blob || changed 'the dump does not load without --hex-blob either'
if load --hex-blob; then changed 'the dump loads with --hex-blob'; fi
grep -qE '^ERROR (1153|2006|2013) ' error.txt || changed 'the load fails with another error'
