#!/bin/sh
# Makes a Python environment with the PyPI packages named as arguments, in the folder named first; says in one sentence
# what is wrong where it cannot.
set -eu

folder=$1
shift
"$folder/bin/python3" -m pip show -q "$@" 2> /dev/null && exit 0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "installing $* into $folder"
if ! { python3 -m venv "$folder" && "$folder/bin/python3" -m pip install -q "$@"; } > "$log" 2>&1; then
  tail -n 3 "$log" >&2
  echo "pip could not install $*; the lines above say why" >&2
  [ "${CI:-}" != true ] || exit 1
fi
