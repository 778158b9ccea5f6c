#!/bin/sh
# Writes the archives of this folder, one for each way in which a program writes the same two files.
# Needs python3, zip, bsdtar, 7z and jar; leaves out what is not there.
set -eu
out=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
printf '{"a": 1}\n' > config.json
mkdir assets
i=0
while [ $i -lt 100 ]; do echo "word $i"; i=$((i + 1)); done > assets/words.txt
touch -d 2026-01-01 config.json assets assets/words.txt

python3 - "$out" <<'PYTHON'
import io, sys, zipfile
names = ("config.json", "assets/words.txt")
files = [(name, open(name, "rb").read()) for name in names]
def info(name, method):
    made = zipfile.ZipInfo(name)
    made.compress_type = method
    return made
for kind, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
    with zipfile.ZipFile(f"{sys.argv[1]}/python_{kind}.zip", "w") as archive:
        for name, data in files: archive.writestr(info(name, method), data)
with zipfile.ZipFile(f"{sys.argv[1]}/python_comment_folders.zip", "w") as archive:
    archive.comment = b"a comment"
    archive.writestr(info("assets/", zipfile.ZIP_STORED), b"")
    for name, data in reversed(files): archive.writestr(info(name, zipfile.ZIP_DEFLATED), data)
with zipfile.ZipFile(f"{sys.argv[1]}/python_large_fields.zip", "w") as archive:
    for name, data in files:
        with archive.open(info(name, zipfile.ZIP_STORED), "w", force_zip64=True) as entry: entry.write(data)
class Stream(io.RawIOBase):
    def __init__(self): self.data = b""
    def writable(self): return True
    def write(self, data): self.data += bytes(data); return len(data)
stream = Stream()
with zipfile.ZipFile(stream, "w") as archive:
    for name, data in files: archive.writestr(info(name, zipfile.ZIP_DEFLATED), data)
open(f"{sys.argv[1]}/python_stream.zip", "wb").write(stream.data)
PYTHON
have() { command -v "$1" > /dev/null; }
if have zip; then
  rm -f "$out"/infozip*.zip
  zip -q -r "$out/infozip.zip" config.json assets
  zip -q -r - config.json assets | cat > "$out/infozip_stream.zip"
  zip -q -r -fz "$out/infozip_zip64.zip" config.json assets
fi
if have bsdtar; then bsdtar -c --format zip -f "$out/bsdtar.zip" config.json assets; fi
if have 7z; then rm -f "$out/7z.zip" && 7z a -tzip "$out/7z.zip" config.json assets > /dev/null; fi
if have jar; then jar --create --no-manifest --file "$out/jar.zip" config.json assets; fi
