#!/bin/sh
# Judges the capture of every run in a report again: `homebed verify` must give the run's own verdict, from the capture
# alone, since logs and databases are not read.
# usage: verify-runs.sh FOLDER-OF-PROGRAMS REPORT
set -eu
bin=$1
report=$2
same=0
different=0
for folder in "$report"/*/; do
  [ -f "$folder/capture.pcapng" ] || continue
  name=$(basename "$folder")
  scenario=$(find scenarios examples -name "${name%%[+#]*}.scenario" | head -n 1)
  # A folder is called after its scenario and the options that are off: take the longest scenario name that fits.
  [ -n "$scenario" ] || scenario=$(find scenarios examples -name '*.scenario' | while read -r file; do
    stem=$(basename "$file" .scenario)
    case "$name" in "$stem" | "$stem"[+-]*) echo "${#stem} $file" ;; esac
  done | sort -rn | head -n 1 | cut -d ' ' -f 2-)
  said=$(sed -n 's/^  "verdict": "\(.*\)",$/\1/p' "$folder/verdict.json")
  rm -rf "$folder/logs" "$folder/state"
  again=$("$bin/homebed" verify "$scenario" "$folder/capture.pcapng" | head -n 1 | sed 's/  .*//') || true
  if [ "$said" = "$again" ]; then
    same=$((same + 1))
  else
    different=$((different + 1))
    echo "FAIL  $name: the run said $said, verify says $again" >&2
  fi
done
echo "verify: $same captures gave their run's verdict again, $different did not"
[ "$different" = 0 ] && [ "$same" -gt 0 ]
