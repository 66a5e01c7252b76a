/// What a node that gets its address by DHCP runs before its program, and what its DHCP client runs at each event.
enum LeaseScript {
  static let name = "lease.sh"

  /// The programs that it needs, and the Debian packages that bring them.
  static let needs = [("busybox", package: "busybox"), ("ip", package: "iproute2")]

  static let text = #"""
    #!/bin/sh
    # `lease.sh start INTERFACE PROGRAM ...` asks for an address by DHCP and becomes the program once there is one; without
    # a program it says `ready` and stays. udhcpc calls this file again with what happened.
    first=/run/first-lease # /run is the node's own

    case $1 in
    start)
      interface=$2
      shift 2
      mkfifo "$first" || exit 1
      busybox udhcpc -f -i "$interface" -s "$0" -T 1 -t 30 -A 1 -x "hostname:${HOMEBED_NODE##*.}" >&2 &
      client=$!
      # With the cable back, the lease is asked for again: it may have gone to another device meanwhile.
      ip -o monitor link dev "$interface" | while read -r event; do
        case $event in
        *NO-CARRIER*) gone=yes ;;
        *LOWER_UP*)
          [ -z "$gone" ] || kill -USR1 "$client"
          gone=
          ;;
        esac
      done &
      read -r HOMEBED_ADDRESS HOMEBED_PREFIX_LENGTH HOMEBED_GATEWAY < "$first"
      rm "$first"
      HOMEBED_INTERFACES=$(printf '%s' "$HOMEBED_INTERFACES" | sed "
        s#\"address\":null#\"address\":\"$HOMEBED_ADDRESS/$HOMEBED_PREFIX_LENGTH\"#
        s#\"gateway\":null#\"gateway\":\"$HOMEBED_GATEWAY\"#")
      export HOMEBED_ADDRESS HOMEBED_PREFIX_LENGTH HOMEBED_INTERFACES
      [ -z "$HOMEBED_GATEWAY" ] || export HOMEBED_GATEWAY
      [ $# = 0 ] || exec "$@"
      echo ready
      wait
      ;;
    deconfig)
      ip -4 address flush dev "$interface"
      ;;
    bound | renew)
      # The name servers first: whoever hears of the new address looks for them at once.
      for server in $dns; do echo "nameserver $server"; done > /etc/resolv.conf
      case $(ip -4 -o address show dev "$interface") in
      *" $ip/$mask "*) ;;
      *)
        ip -4 address flush dev "$interface"
        ip -4 address add "$ip/$mask" broadcast + dev "$interface"
        ;;
      esac
      [ -z "$router" ] || ip -4 route replace default via "${router%% *}" dev "$interface"
      [ ! -p "$first" ] || echo "$ip $mask ${router%% *}" > "$first"
      ;;
    esac

    """#
}
