#!/bin/sh
# Installs the Debian packages named as arguments that are missing; says in one sentence what to install where it cannot.
set -eu

command -v "${SWIFT:-swift}" > /dev/null || {
  echo "homebed needs Swift 6.2 or later: install a toolchain from https://swift.org/install and put it on PATH" >&2
  exit 1
}
missing=
for package in "$@"; do
  dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
  sudo=
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
  sudo=sudo
else
  echo "homebed needs these Debian packages, run: sudo apt-get install$missing" >&2
  exit 1
fi
echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
if ! { $sudo apt-get install -y --no-install-recommends $missing > "$log" 2>&1 ||
  { $sudo apt-get update > "$log" 2>&1 && $sudo apt-get install -y --no-install-recommends $missing >> "$log" 2>&1; }; }; then
  tail -n 5 "$log" >&2
  echo "apt-get could not install$missing; the lines above say why" >&2
  exit 1
fi
