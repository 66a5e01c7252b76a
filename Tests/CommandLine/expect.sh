# Shared by the tests of the command line, which source it with the folder of programs as first argument.
set -uo pipefail
bin=$(cd "$1" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
passed=0 failed=0
homebed=$bin/homebed

# expect NAME STATUS PATTERN COMMAND...: the command ends with STATUS and one of its lines matches PATTERN.
expect() {
  local name=$1 status=$2 pattern=$3 got
  shift 3
  "$@" > "$folder/out" 2>&1 < /dev/null
  got=$?
  if [ "$got" = "$status" ] && { [ -z "$pattern" ] || grep -Eq -- "$pattern" "$folder/out"; }; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAIL  $name: exit $got, expected $status; looked for: $pattern"
    sed 's/^/      /' "$folder/out" | tail -n 12
  fi
}

# until_true SECONDS COMMAND...: looks every 50 ms until the command succeeds; fails after so many seconds.
until_true() {
  local rounds=$(($1 * 20))
  shift
  while [ "$rounds" -gt 0 ]; do
    "$@" > /dev/null 2>&1 && return 0
    rounds=$((rounds - 1))
    sleep 0.05
  done
  return 1
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}
