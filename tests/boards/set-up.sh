#!/bin/sh
# tests/boards/set-up.sh PYTHON FOLDER: makes what the emulated boards run in, below FOLDER: root/ (Debian for
# arm64), packages/ (wheels), without-atomics/ (what older cores need otherwise).
# Installs the emulator through apt when absent (with sudo when not root). About a minute the first time, nothing afterwards.
set -eu
python="$1" folder="$2" here="$(dirname "$0")"
PATH="$PATH:/usr/sbin:/sbin"

fail() {
    echo "test-boards: $1" >&2
    exit 4
}

sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
missing=""
command -v qemu-aarch64-static >/dev/null 2>&1 || missing="$missing qemu-user-static"
command -v debootstrap >/dev/null 2>&1 || missing="$missing debootstrap"
if [ -n "$missing" ]; then
    command -v apt-get >/dev/null 2>&1 || fail "this needs$missing, and knows only apt to install them"
    echo "installing$missing (boards are emulated) ..." >&2
    $sudo env DEBIAN_FRONTEND=noninteractive sh -c \
        "apt-get update -q && apt-get install -q -y --no-install-recommends$missing" >&2 || fail "cannot install$missing"
fi

made="$(cat "$0" "$here/requirements.txt" | sha256sum | cut -c 1-16)"
[ "$(cat "$folder/made" 2>/dev/null)" = "$made" ] && exit 0

# The machine's own mirror and release: the archive that debootstrap reads must be one this machine may reach.
origin="$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(ORIGIN) $(COMPONENT)' 'Created-By: Packages' |
    awk '$3 == "Debian" && $4 == "main" && $2 !~ /-/ { print $1, $2; exit }')"
[ -n "$origin" ] || fail "the machine's apt sources name no release of Debian, the one system with arm64 beside amd64 on its mirrors"

mkdir -p "$(dirname "$folder")"
part="$(mktemp -d "$folder.XXXXXX")"
trap '$sudo rm -rf "$part"' EXIT
echo "unpacking Debian ${origin#* } for arm64 ..." >&2
$sudo debootstrap --foreign --arch=arm64 --variant=minbase --include=python3,libgomp1 \
    "${origin#* }" "$part/root" "${origin% *}" >"$part/log" 2>&1 || { tail -n 20 "$part/log" >&2; fail "debootstrap failed"; }
[ -z "$sudo" ] || $sudo chown -R "$(id -u):$(id -g)" "$part/root"
for archive in "$part"/root/var/cache/apt/archives/*.deb; do
    dpkg -x "$archive" "$part/root" # unpacked is enough: nothing of it is configured, only run
done
rm -rf "$part"/root/var/cache/apt/archives "$part"/root/usr/share/doc "$part"/root/usr/share/locale

version="$(basename "$part"/root/usr/bin/python3.[0-9]*)"
echo "downloading wheels for arm64 and ${version} ..." >&2
"$python" -m pip download --quiet --disable-pip-version-check --dest "$part/wheels" --only-binary=:all: --no-deps \
    --implementation cp --python-version "${version#python}" \
    --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 \
    --requirement "$here/requirements.txt" || fail "pip found no wheels for ${version} on arm64"
for wheel in "$part"/wheels/*.whl; do
    "$python" -m zipfile -e "$wheel" "$part/packages"
done
# ai-edge-litert as a board without atomic instructions needs it: the library for WebGPU ends the process there.
mkdir "$part/without-atomics"
cp -rl "$part/packages/ai_edge_litert" "$part/without-atomics/"
rm "$part/without-atomics/ai_edge_litert/libLiteRtWebGpuAccelerator.so"
rm -rf "$part/wheels" "$part/log"
echo "$made" >"$part/made"
sync
rm -rf "$folder"
mv "$part" "$folder"
trap - EXIT
