#!/usr/bin/env bash
# Believed: an Orthanc whose index in MySQL came back complete from a dump, and which shows all its studies, works.
# Seen: Orthanc makes its tables with utf8mb4_unicode_ci, which the dump keeps, but its procedure CreateInstance declares
#   parameters without a collation: they take the default of the database they are loaded into. Where that differs (here
#   utf8mb4_general_ci, MariaDB 10.11's default for utf8mb4), Orthanc starts, shows its studies and refuses each new instance:
#     first instance: stored, studies shown: 1
#     restored into a database of utf8mb4_unicode_ci: stored, studies shown: 2
#     restored into a database of utf8mb4_general_ci: refused, studies shown: 1
#     MySQL error (1267,HY000): Illegal mix of collations (utf8mb4_unicode_ci,IMPLICIT) and (utf8mb4_general_ci,IMPLICIT) for operation '='
# Versions: Orthanc 1.10.1 (1.10.1+dfsg-2+deb12u1), orthanc-mysql 4.3 (4.3-3+b4), MariaDB 10.11.19 (1:10.11.19-0+deb12u1).
# Needs Debian 12 (amd64) with apt's lists up to date (apt-get update). Ends 0 while this holds, 1 when it has changed, 2 when it cannot be tried.
set -euo pipefail
export LC_ALL=C
dir=$(mktemp -d)
server='' orthanc=''
stop() { kill "$1" 2>/dev/null && wait "$1" || true; }
finish() {
  [ -z "$orthanc" ] || stop "$orthanc"
  [ -z "$server" ] || stop "$server"
  rm -rf "$dir"
}
trap finish EXIT
changed() { echo "changed: $*"; exit 1; }

# The packages, unpacked in this folder only, with the libraries they need but for the C library's own.
cd "$dir"
v=1:10.11.19-0+deb12u1
programs=(orthanc=1.10.1+dfsg-2+deb12u1 orthanc-mysql=4.3-3+b4 dcmtk=3.6.7-9~deb12u4 libdcmtk17=3.6.7-9~deb12u4
  "mariadb-server-core=$v" "mariadb-client-core=$v" "mariadb-client=$v" "libmariadb3=$v")
needed=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
  "${programs[@]%%=*}" | grep -E '^lib[^:]*$' | sort -u | grep -vE '^(libc6|libcrypt1|libgcc-s1|libdcmtk17|libmariadb3|lib.*-perl)$')
# shellcheck disable=SC2086
apt-get -qq download "${programs[@]}" $needed 2>error.txt || { cat error.txt; exit 2; }
for deb in *.deb; do dpkg -x "$deb" root; done
export LD_LIBRARY_PATH="$dir/root/usr/lib/x86_64-linux-gnu:$dir/root/lib/x86_64-linux-gnu"
export PATH="$dir/root/usr/bin:$dir/root/usr/sbin:$PATH" DCMDICTPATH="$dir/root/usr/share/libdcmtk17/dicom.dic"
start=(--no-defaults --basedir="$dir/root/usr" --datadir="$dir/data" --user="$(id -un)")
mariadb-install-db "${start[@]}" --auth-root-authentication-method=normal --skip-test-db >install.log 2>&1 || { cat install.log; exit 2; }
mariadbd "${start[@]}" --skip-networking --socket="$dir/s" --pid-file="$dir/pid" --innodb-buffer-pool-size=16M >server.log 2>&1 &
server=$!
to=(--no-defaults --socket="$dir/s" --user=root)
for _ in $(seq 600); do mariadb "${to[@]}" -e 'DO 1' 2>/dev/null && break; sleep 0.2; done
sql() { mariadb "${to[@]}" --batch --skip-column-names "$@"; }

# Orthanc without a port: a Lua script stores an instance through its REST API and writes what it answers.
mkdir storage index
cat >orthanc.json <<END
{ "Locale": "C", "StorageDirectory": "$dir/storage", "IndexDirectory": "$dir/index", "HttpServerEnabled": false, "DicomServerEnabled": false,
  "LuaScripts": ["$dir/store.lua"], "Plugins": ["$dir/root/usr/lib/orthanc/libOrthancMySQLIndex.so.4.3"],
  "MySQL": { "EnableIndex": true, "EnableStorage": false, "UnixSocket": "$dir/s", "Host": "", "Port": 0,
    "Database": "images", "Username": "images", "Password": "images", "Lock": true } }
END
cat >store.lua <<END
function Initialize()
  local stored = RestApiPost('/instances', io.open('$dir/image.dcm', 'rb'):read('*a'))
  local studies = ParseJson(RestApiGet('/studies'))
  local out = io.open('$dir/answer.part', 'w')
  out:write(stored and 'stored' or 'refused', ', studies shown: ', #studies, '\\n')
  out:close()
  os.rename('$dir/answer.part', '$dir/answer')
end
END
store() { # number of the instance -> Orthanc's answer
  printf '%s\n' '(0008,0016) UI =CTImageStorage' "(0008,0018) UI [1.2.3.$1.3]" "(0010,0010) PN [TEST^$1]" "(0010,0020) LO [TEST$1]" \
    "(0020,000d) UI [1.2.3.$1.1]" "(0020,000e) UI [1.2.3.$1.2]" >image.txt
  dump2dcm -q image.txt image.dcm
  rm -f answer
  Orthanc orthanc.json >orthanc.log 2>&1 &
  orthanc=$!
  for _ in $(seq 600); do [ ! -e answer ] && kill -0 "$orthanc" 2>/dev/null || break; sleep 0.2; done
  stop "$orthanc"
  orthanc=''
  cat answer || { cat orthanc.log; exit 2; }
}

sql -e 'CREATE DATABASE images; CREATE USER images@localhost IDENTIFIED BY "images"; GRANT ALL ON *.* TO images@localhost'
store 1 >answered
echo "first instance: $(cat answered)"
mariadb-dump "${to[@]}" --routines images >dump.sql
if grep 'ALTER DATABASE' dump.sql; then changed 'the dump holds the default of the database'; fi
restored() { # default collation of the new database -> what Orthanc answers to the next instance
  sql -e "DROP DATABASE images; CREATE DATABASE images CHARACTER SET utf8mb4 COLLATE $1"
  sql images <dump.sql
  store 2 >answered
  echo "restored into a database of $1: $(cat answered)"
}
restored utf8mb4_unicode_ci
grep -q '^stored' answered || changed 'Orthanc refuses the instance under its own collation too'
restored utf8mb4_general_ci
grep -o 'MySQL error.*' orthanc.log || true
grep -qx 'refused, studies shown: 1' answered || changed 'Orthanc stores the instance'
