#!/bin/sh
# Makes sure that Mosquitto, PostgreSQL and openssl are installed, through apt when absent (with sudo when not root).
PATH="$PATH:/usr/sbin:/usr/local/sbin"
missing=""
for program in mosquitto openssl; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
# Debian keeps the server's programs off the PATH
command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -z "$missing" ] && exit 0
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
if command -v apt-get >/dev/null 2>&1 && { [ -z "$sudo" ] || command -v sudo >/dev/null 2>&1; }; then
    echo "installing$missing (the tests run against a real broker and a real database) ..." >&2
    $sudo env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -q && apt-get install -q -y --no-install-recommends$missing" >&2 &&
        exit 0
fi
echo "the tests need$missing: install the packages of that name and run make test again" >&2
exit 4
