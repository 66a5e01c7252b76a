#!/bin/sh
# A thousand mappings at one gateway, in a world of its own (homebed-launcher world -- sh THIS).
# usage: mappings.sh COUNT COMMAND-OF-A-GATEWAY ...; prints what mappings.pl prints
set -eu
here=$(dirname "$0")
count=$1
shift
state=$(mktemp -d)
gateway= client=
trap 'kill $gateway $client 2> /dev/null || :; rm -rf "$state"' EXIT

ip link set lo up
ip link add eth0 type veth peer name wan
ip link add eth1 type veth peer name lan
unshare -n sleep 600 &
client=$!
until [ "$(readlink /proc/$client/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.01; done
ip link set lan netns $client
ip address add 11.22.33.1/24 dev eth0
ip address add 192.168.10.1/24 dev eth1
for name in eth0 wan eth1; do ip link set $name up; done
nsenter -t $client -n sh -c 'ip address add 192.168.10.50/24 dev lan && ip link set lan up'

export HOMEBED_INTERFACES='[{"name":"eth0","outside":true},{"name":"eth1","outside":false}]'
export HOMEBED_HTTP_PORT=49300 HOMEBED_STATE_DIR="$state"
"$@" > "$state/out" 2> "$state/errors" &
gateway=$!
nsenter -t $client -n perl "$here/mappings.pl" 192.168.10.1:49300 192.168.10.50 "$count" || {
  tail -n 5 "$state/errors" >&2
  exit 1
}
