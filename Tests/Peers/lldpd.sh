#!/bin/sh
# lldpd on a link of ours. Its own mount namespace keeps its socket and its lock out of the machine's folders.
#   lldpd.sh tells            inside a node of a home: tells of itself, with HTIP's TLVs, to the group that switches pass on
#   lldpd.sh hears CAPTURE    in a namespace of its own: shows what it makes of the HTIP frames of a capture
set -e
mount -t tmpfs none /run
folder=/run/lldpd
mkdir -p "$folder"
case $1 in
  tells)
    lldpd -d -u "$folder/socket" -I eth0 2> "$folder/log" &
    program=$!
    trap 'kill $program' EXIT
    for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
      [ -S "$folder/socket" ] && chmod 777 "$folder/socket" && break
      sleep 0.1
    done
    # 01:80:C2:00:00:00, which a bridge without spanning tree passes on.
    lldpcli -u "$folder/socket" configure lldp agent-type nearest-customer-bridge
    lldpcli -u "$folder/socket" configure lldp custom-tlv add oui E0,27,1A subtype 1 oui-info 03,05,4C,4C,44,50,44
    lldpcli -u "$folder/socket" update
    echo told
    sleep "${2:-5}"
    ;;
  hears)
    ip link add veth0 type veth peer name veth1
    ip link set veth0 up
    ip link set veth1 up
    lldpd -d -u "$folder/socket" -I veth1 2> "$folder/log" &
    program=$!
    trap 'kill $program' EXIT
    for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
      [ -S "$folder/socket" ] && chmod 777 "$folder/socket" && break
      sleep 0.1
    done
    tshark -r "$2" -Y 'eth.type == 0x88cc' -F pcap -w "$folder/htip.pcap" 2> /dev/null
    # lldpd's socket filter takes no broadcasts, so the frames go to a group that it takes; the LLDPDUs stay as they are.
    python3 - "$folder/htip.pcap" << 'END'
import socket, struct, sys, time
data = open(sys.argv[1], "rb").read()
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("veth0", 0))
place, sent = 24, {}
while place < len(data):
    length = struct.unpack("<I", data[place + 8:place + 12])[0]
    frame = data[place + 16:place + 16 + length]
    sent[frame[6:12]] = frame
    place += 16 + length
time.sleep(0.5)
for frame in sent.values():
    out.send(bytes.fromhex("0180c200000e") + frame[6:])
END
    sleep 1
    lldpcli -u "$folder/socket" show neighbors details
    ;;
esac
