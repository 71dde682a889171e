#!/bin/sh
# The tests need a browser, a Redis server, PostgreSQL, and a clock of their own. Install Debian's when they are missing and we may.
set -eu
missing=""
command -v chromium >/dev/null || missing="$missing chromium"
command -v redis-server >/dev/null || missing="$missing redis-server"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || missing="$missing libfaketime"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need:$missing. Install them: sudo apt install$missing" >&2
    exit 1
fi
echo "Installing$missing …"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# The packages' own servers are not wanted: the tests start theirs.
printf '#!/bin/sh\nexit 101\n' > /tmp/policy-rc.$$ && chmod +x /tmp/policy-rc.$$
[ -e /usr/sbin/policy-rc.d ] || { cp /tmp/policy-rc.$$ /usr/sbin/policy-rc.d; ours=1; }
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
[ -z "${ours:-}" ] || rm -f /usr/sbin/policy-rc.d
rm -f /tmp/policy-rc.$$
