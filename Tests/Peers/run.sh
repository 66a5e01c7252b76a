#!/usr/bin/env bash
# Programs that nobody here wrote, against homebed's own. A missing one is skipped and said so; with CI=true it fails.
set -uo pipefail
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
passed=0 failed=0 skipped=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

check() { # NAME TOOL COMMAND...
  local name=$1 tool=$2
  shift 2
  if ! command -v "$tool" > /dev/null; then
    if [ "${CI:-}" = true ]; then
      echo "FAIL  $name: $tool is not installed"
      failed=$((failed + 1))
    else
      echo "skip  $name: $tool is not installed"
      skipped=$((skipped + 1))
    fi
  elif "$@" > "$folder/log" 2>&1; then
    echo "pass  $name"
    passed=$((passed + 1))
  else
    echo "FAIL  $name"
    sed 's/^/      /' "$folder/log" | tail -n 20
    failed=$((failed + 1))
  fi
}

python_agent() {
  "$bin/homebed" run scenarios/sequence-1/new-device.scenario --report "$folder/python" \
    --device "tv=exec:python3 $here/ce_agent.py"
}

python_agent_on_loopback() {
  "$bin/homebed" run scenarios/sequence-1/new-device.scenario --backend loopback --report "$folder/python" \
    --device "tv=exec:python3 $here/ce_agent.py"
}

python_mobile() { # SCENARIO BACKEND
  "$bin/homebed" run "scenarios/sequence-3/$1.scenario" --backend "$2" --report "$folder/mobile" \
    --device "phone=exec:python3 $here/mobile.py"
}

# Every frame of a whole run, read by Wireshark's dissectors.
clean_capture() { # BACKEND
  "$bin/homebed" run scenarios/sequence-1/new-device.scenario --backend "$1" --option configure=yes --report "$folder/ours" || return 1
  local capture
  capture=$(find "$folder/ours" -name capture.pcapng | head -n 1)
  local malformed http ssdp
  malformed=$(tshark -r "$capture" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE \
    -Y '_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || udp.checksum.status == "Bad"' 2> "$folder/errors" | wc -l)
  http=$(tshark -r "$capture" -o http.tcp.port:1-65535 -Y 'http.request.method == "PUT" || http.response.code == 201' 2> /dev/null | wc -l)
  ssdp=$(tshark -r "$capture" -Y 'ssdp' 2> /dev/null | wc -l)
  cat "$folder/errors"
  echo "malformed frames: $malformed; HTTP messages seen: $http; SSDP messages seen: $ssdp"
  [ "$malformed" = 0 ] && [ "$http" -ge 4 ] && [ "$ssdp" -ge 2 ]
}

check "a CE agent in Python passes Sequence 1" python3 python_agent
check "... on loopback too" python3 python_agent_on_loopback
check "a mobile device in Python passes Sequence 3" python3 python_mobile reach namespaces
check "... and is told when it shows a stolen token" python3 python_mobile stolen-token namespaces
check "... on loopback too" python3 python_mobile reach-open loopback
check "tshark sees clean HTTP and SSDP in a run's capture" tshark clean_capture namespaces
check "... in what taps told on loopback too" tshark clean_capture loopback
check "curl registers an agent" curl "$bin/homebed" run "$here/curl-registers.scenario"
# Somebody else's home gateway, as IGD:2 and as IGD:1: Sequence 3 by a mapping of its own, and the mapping's end.
miniupnpd_gateway() { # VERSION
  "$bin/homebed" run "$here/miniupnpd-reached.scenario" --backend namespaces --report "$folder/miniupnpd" \
    --device "hg=exec:$here/miniupnpd.sh $1"
}

PATH=$PATH:/usr/sbin
check "Sequence 3 through miniupnpd (IGD:2)" miniupnpd miniupnpd_gateway 2
check "... and where it describes itself as IGD:1" miniupnpd miniupnpd_gateway 1
# Control points of other people at our gateway.
strict_control_point() {
  sed "s|@here@|$here|" "$here/strict-gateway.scenario" > "$folder/strict-gateway.scenario"
  ln -sfn "$here/topologies" "$folder/topologies"
  "$bin/homebed" run "$folder/strict-gateway.scenario" --backend namespaces
}

PATH=$here/../../.build/peers/bin:$PATH
check "upnpc lists, adds, adds any and deletes" upnpc "$bin/homebed" run "$here/upnpc-maps.scenario" --backend namespaces
check "gssdp-discover finds the gateway, in the home alone" gssdp-discover \
  "$bin/homebed" run "$here/gssdp-finds-gateway.scenario" --backend namespaces
check "async-upnp-client, strict, reads, maps and subscribes" upnp-client strict_control_point
check "gssdp-discover finds configurator and device" gssdp-discover "$bin/homebed" run "$here/gssdp-finds.scenario"

check "coturn's client behind each NAT asks our server, its server answers our client" turnserver \
  "$bin/homebed-launcher" world -- python3 "$here/../NAT/coturn.py" "$bin"

# HTIP is LLDP: what we send, lldpd reads; what lldpd sends, the collector reads.
lldpd_hears() {
  "$bin/homebed" run scenarios/topology/device-tells-of-itself.scenario --backend namespaces --report "$folder/htip" || return 1
  local capture shown
  capture=$(find "$folder/htip" -name capture.pcapng | head -n 1)
  shown=$("$bin/homebed-launcher" world -- "$here/lldpd.sh" hears "$capture")
  echo "$shown"
  # The television, with its category and model, and the switch with a table.
  for words in 'mac 02:00:00:00:00:21' 'ifname eth0' '01,05,41,56,5F,54,56' '03,04,54,56,2D,31' 'SubType: 2'; do
    grep -q "$words" <<< "$shown" || { echo "lldpcli does not show: $words"; return 1; }
  done
}

lldpd_tells() {
  sed "s|@here@|$here|" "$here/lldpd-tells.scenario" > "$folder/lldpd-tells.scenario"
  ln -sfn "$here/../../topologies" "$folder/topologies"
  "$bin/homebed" run "$folder/lldpd-tells.scenario" --backend namespaces
}

check "lldpd shows our frames" lldpd lldpd_hears
check "the collector knows lldpd, and where it is" lldpd lldpd_tells

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
