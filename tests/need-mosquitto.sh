#!/bin/sh
# Makes sure that a Mosquitto broker is installed, through apt when it is absent (with sudo when not root).
PATH="$PATH:/usr/sbin:/usr/local/sbin"
command -v mosquitto >/dev/null 2>&1 && exit 0
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
if command -v apt-get >/dev/null 2>&1 && { [ -z "$sudo" ] || command -v sudo >/dev/null 2>&1; }; then
    echo "installing mosquitto (the tests run against a real broker) ..." >&2
    $sudo env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -q && apt-get install -q -y --no-install-recommends mosquitto' >&2 &&
        exit 0
fi
echo "the tests need a Mosquitto broker: install the package 'mosquitto' and run make test again" >&2
exit 4
