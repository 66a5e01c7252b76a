#!/bin/sh
# Runs scenarios in namespaces with the programs' taps on, and compares what the taps told with what was captured on the
# links: both must decode to the same messages, with the same parties and fields.
# usage: taps-and-frames.sh FOLDER-OF-PROGRAMS
set -eu
bin=$1
if [ "${CI:-}" != true ] && ! "$bin/homebed-launcher" probe 2> /dev/null; then
  echo "skip  taps and frames: there are no namespaces here"
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$bin/homebed" run --backend namespaces --taps --quiet --report "$folder" \
  scenarios/sequence-1/new-device.scenario scenarios/sequence-2/configuration-changed.scenario
compared=0
for run in "$folder"/*/; do
  [ -f "$run/taps.pcapng" ] || { echo "FAIL  $(basename "$run"): there is no taps.pcapng" >&2; exit 1; }
  for file in capture taps; do
    # What crosses no socket is no tap's business, and where a message stands differs.
    "$bin/homebed" decode --json "$run/$file.pcapng" 2> /dev/null |
      python3 -c '
import json, sys
# Who has not been heard yet is called by its address: in frames ARP tells a little earlier.
known = {"198.51.100.10": "server", "192.168.10.2": "cfg", "192.168.10.21": "tv", "192.168.10.1": "hg"}
for line in sys.stdin:
    event = json.loads(line)
    if event["name"] not in ("arp", "icmp", "htip"):
        print(json.dumps([event["name"], known.get(event["from"], event["from"]), known.get(event["to"], event["to"]), event["fields"]], sort_keys=True))
' | sort > "$run/$file.events"
  done
  [ -s "$run/capture.events" ] || { echo "FAIL  $(basename "$run"): no message was captured" >&2; exit 1; }
  diff "$run/capture.events" "$run/taps.events" | cut -c 1-200 | head -n 20 > "$run/differences"
  [ ! -s "$run/differences" ] || { cat "$run/differences" >&2; echo "FAIL  $(basename "$run"): taps and frames differ" >&2; exit 1; }
  compared=$((compared + $(wc -l < "$run/taps.events")))
done
echo "taps: $compared messages, the same in captured frames"
