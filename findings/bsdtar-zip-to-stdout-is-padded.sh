#!/usr/bin/env bash
# Believed: `bsdtar --format zip -cf -` writes the same ZIP to a pipe as `-cf a.zip` does to a file, so that the last bytes
#   that come are the end of central directory record (APPNOTE.TXT 4.3.16), and a size or a hash of the pipe is the archive's.
# Seen: to standard output the ZIP is filled up with zeros to a whole block of 10,240 bytes, as a tape archive is. The end
#   record then lies thousands of bytes before the end, and no comment's length accounts for them:
#     to a file: 344 bytes, 0 behind the end record
#     to a pipe: 10240 bytes, 9896 behind the end record, all of them zeros
#     with -b 1: 512 bytes, 168 behind the end record, all of them zeros
#     7zz t of the piped one: "There are data after the end of archive", and ends 0
#   No block size ends the padding: -b takes 512 bytes and up.
# Versions: bsdtar 3.6.2 (Debian 12, libarchive-tools 3.6.2-1+deb12u5), 7-Zip 26.02 (7zip 22.01+really26.02+dfsg-0+deb12u1).
# Needs Debian 12 (amd64) with apt's lists up to date (apt-get update), python3. Ends 0 while this holds, 1 when it has
# changed, 2 when it cannot be tried.
set -euo pipefail
export LC_ALL=C
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
changed() { echo "changed: $*"; exit 1; }

# The packages, unpacked in this folder only.
cd "$dir"
apt-get -qq download libarchive-tools=3.6.2-1+deb12u5 libarchive13=3.6.2-1+deb12u5 7zip=22.01+really26.02+dfsg-0+deb12u1 2>error.txt || { cat error.txt; exit 2; }
for deb in *.deb; do dpkg -x "$deb" root; done
export LD_LIBRARY_PATH="$dir/root/usr/lib/x86_64-linux-gnu"
export PATH="$dir/root/usr/bin:$PATH"
bsdtar --version >version.txt 2>&1 || { cat version.txt; exit 2; }

mkdir study && printf 'pixels' >study/1.dcm
bsdtar --format zip -cf file.zip -C study .
bsdtar --format zip -cf - -C study . | cat >pipe.zip
bsdtar -b 1 --format zip -cf - -C study . | cat >small.zip
behind() { # file -> how many bytes follow the end record; fails when one of them is not zero
  python3 - "$1" <<'PY'
import sys
data = open(sys.argv[1], 'rb').read()
at = data.rindex(b'PK\x05\x06')
rest = data[at + 22 + int.from_bytes(data[at + 20:at + 22], 'little'):]
if rest.strip(b'\0'): sys.exit(1)
print(len(data), len(rest))
PY
}
for name in file pipe small; do
  read -r size rest < <(behind "$name.zip") || changed "$name.zip has something else behind its end record"
  echo "$name.zip: $size bytes, $rest behind the end record"
  case $name in
    file) [ "$rest" -eq 0 ] || changed 'the file is padded as well' ;;
    pipe) [ "$rest" -gt 0 ] && [ "$size" -eq 10240 ] || changed 'what goes to a pipe is not padded to 10,240 bytes' ;;
    small) [ "$rest" -gt 0 ] && [ "$size" -eq 512 ] || changed '-b 1 does not pad to 512 bytes' ;;
  esac
done
7zz t pipe.zip >7z.txt || changed "7z refuses it: $(tail -3 7z.txt)"
grep -q 'There are data after the end of archive' 7z.txt || changed '7z says nothing of what follows'
