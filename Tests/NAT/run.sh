#!/usr/bin/env bash
# Every NAT behaviour of home-gateway by RFC 5780's method, in namespaces. Where the kernel allows none it is skipped and
# said so; with CI=true it fails.
set -uo pipefail
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
if "$bin/homebed-launcher" world -- true > /dev/null 2>&1 && command -v python3 > /dev/null; then
  exec "$bin/homebed-launcher" world -- python3 "$here/behaviours.py" "$bin"
fi
echo "skip  NAT behaviours: no namespaces, or no python3"
[ "${CI:-}" != true ]
