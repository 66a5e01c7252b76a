#!/bin/sh
# miniupnpd as a home's gateway, with the environment that homebed gives to every program: --device hg=exec:THIS
# usage: miniupnpd.sh [1|2], the version of IGD that it describes itself as
set -eu
PATH=$PATH:/usr/sbin:/sbin
version=${1:-2}
number=0
for object in $(printf %s "$HOMEBED_INTERFACES" | tr -d ' []' | sed 's/},{/} {/g'); do
  case $object in *'"outside":true'*) outside=eth$number ;; *) inside=eth$number ;; esac
  number=$((number + 1))
done
conf=$HOMEBED_STATE_DIR/miniupnpd.conf

echo 1 > /proc/sys/net/ipv4/ip_forward
nft -f - <<RULES
table inet filter {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "$inside" accept
    jump miniupnpd
  }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting { type nat hook postrouting priority 100; jump postrouting_miniupnpd; oifname "$outside" masquerade; }
  chain postrouting_miniupnpd { }
}
RULES

cat > "$conf" <<CONF
ext_ifname=$outside
listening_ip=$inside
http_port=$HOMEBED_HTTP_PORT
enable_natpmp=no
enable_upnp=yes
# The configurator maps for the home's other devices.
secure_mode=no
system_uptime=yes
force_igd_desc_v1=$([ "$version" = 1 ] && echo yes || echo no)
uuid=1c2f6c2e-8e3b-4c5a-9a55-3d3f1a2b4c5d
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
allow 1024-65535 0.0.0.0/0 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
CONF
# Its log costs more than its work: a bench leaves it out (MINIUPNPD_LOG empty).
# shellcheck disable=SC2086
exec miniupnpd ${MINIUPNPD_LOG--d} -f "$conf" -P "$HOMEBED_STATE_DIR/miniupnpd.pid" 1>&2
