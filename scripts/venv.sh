#!/bin/sh
# Make the virtual environment: venv.sh PYTHON DIRECTORY
set -eu
python=$1 directory=$2
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "AgentLoom needs Python 3.11 or newer; '$python' is $("$python" --version 2>&1 || echo missing)." >&2
    echo "Install it, or name another: make run PYTHON=python3.12" >&2
    exit 1
fi
echo "Making the virtual environment with $("$python" --version) …"
if "$python" -m venv "$directory" 2>/dev/null; then
    exit 0
fi
# Debian ships Python without the part that puts pip into a virtual environment.
rm -rf "$directory"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
    exec "$python" -m venv "$directory"
fi
echo "Python cannot make virtual environments here. On Debian or Ubuntu: sudo apt install python3-venv" >&2
exit 1
