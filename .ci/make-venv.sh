#!/bin/sh
# .ci/make-venv.sh PYTHON FOLDER: makes a virtual environment, installing Debian's python3-venv when it is what is missing.
set -eu
python="$1" folder="$2"
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    echo "edgeslm needs Python 3.10 or newer; '$python' is $("$python" -V 2>&1). Try: make PYTHON=python3.11 ..." >&2
    exit 4
fi
"$python" -m venv "$folder" 2>/dev/null && exit 0
rm -rf "$folder"
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
echo "installing python3-venv (this Python cannot make virtual environments yet) ..." >&2
$sudo env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -q && apt-get install -q -y python3-venv' >&2 || {
    echo "cannot make a virtual environment: install the package 'python3-venv' and run make again" >&2
    exit 4
}
"$python" -m venv "$folder"
