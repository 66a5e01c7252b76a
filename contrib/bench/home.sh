#!/bin/sh
# The home of home.c with `ip -batch`: four hosts (or as many as said) at one switch, one ping, and down again.
#   sh home.sh [HOSTS]
set -e
if [ "${2:-}" != inside ]; then
  flags=
  [ "$(id -u)" = 0 ] || flags=-Ur
  exec unshare $flags -nmpf --kill-child --mount-proc --propagation private sh "$0" "${1:-4}" inside
fi
mount -t tmpfs tmpfs /run
mkdir /run/netns
{
  echo link add b2 up type bridge mcast_snooping 0
  for host in $(seq "$1"); do
    echo netns add h$host
    echo link add t$host type veth peer name eth0 netns h$host
    echo link set t$host master b2 up
  done
} | ip -batch -
for host in $(seq "$1"); do
  {
    echo link set lo up
    echo link set eth0 up
    echo address add 192.168.10.$host/24 broadcast + dev eth0
  } | ip -netns h$host -batch -
done
ip netns exec h1 ping -q -c 1 -W 2 192.168.10.2 >/dev/null
echo pinged
