#!/usr/bin/env bash
# A home that stays up: entered, changed by hand, ended.
# usage: up.sh FOLDER-OF-PROGRAMS
. "$(dirname "$0")/expect.sh"
export XDG_RUNTIME_DIR=$folder/runtime TMPDIR=$folder
mkdir -p "$XDG_RUNTIME_DIR"
sockets=$XDG_RUNTIME_DIR/homebed

# up NAME ARGUMENT...: a home in the background, its words in $folder/NAME, its process in $pid.
up() {
  local name=$1
  shift
  # A shell starts its background jobs with SIGINT ignored; perl gives it back.
  perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$homebed" up "$@" > "$folder/$name" 2>&1 < /dev/null &
  pid=$!
  until_true 20 grep -q "is up" "$folder/$name" || { echo "FAIL  $name does not come up"; cat "$folder/$name"; exit 1; }
}

expect "a topology that is not there" 2 "there is no topology one-hom; looked for .*did you mean .one-home." "$homebed" up one-hom
expect "a file that is not there" 2 "no topology no/such.topology" "$homebed" up no/such.topology
sed 's/192.168.10.21/192.168.11.21/' topologies/one-home.topology > "$folder/one-home.topology"
expect "a topology with a mistake" 2 "one-home.topology:[0-9]+:[0-9]+: error:" "$homebed" up "$folder/one-home.topology"
expect "a device that nobody has" 2 "no such node" "$homebed" up one-home --device radio=exec:true
expect "a program that does not come up" 3 "cfg ended before it was ready" "$homebed" up one-home --device cfg=exec:"exit 7"
expect "no home is up" 2 "no home is up; hint: homebed up" "$homebed" do "unplug tv"
expect "... for enter" 2 "no home is up" "$homebed" enter tv

up one one-home
first=$pid
expect "the nodes are told" 0 "tv +ce +192.168.10.21 +homebed enter tv" cat "$folder/one"
expect "the folder for sockets is closed to others" 0 "^700 1$" sh -c "echo \$(stat -c %a '$sockets') \$(ls '$sockets' | grep -c sock)"
expect "enter passes the exit status on" 7 "" "$homebed" enter tv sh -c 'exit 7'
expect "... and the signal" 143 "" "$homebed" enter tv sh -c 'kill -TERM $$'
expect "... and 127 for a command that is not there" 127 "cannot run" "$homebed" enter tv /no/such/command
expect "a node's own interfaces" 0 "eth0.*192.168.10.21/24" "$homebed" enter tv ip -br address
expect "... resolv.conf" 0 "no name service" "$homebed" enter tv cat /etc/resolv.conf
expect "... and /run" 0 "^0$" "$homebed" enter tv sh -c 'ls /run | wc -l'
expect "the folder stays" 0 "^$PWD$" "$homebed" enter tv pwd
expect "options belong to the command" 0 "PING|bytes from" "$homebed" enter tv ping -c 1 -W 2 192.168.10.2
expect "the node's variables" 0 "^tv 192.168.10.21$" "$homebed" enter tv sh -c 'echo $HOMEBED_NODE $HOMEBED_ADDRESS'
expect "a shell" 5 "in tv" sh -c "echo 'echo in \$HOMEBED_NODE; exit 5' | SHELL=/bin/sh '$homebed' enter tv"
expect "a node that is not there" 2 "there is no node tvx in one-home.*did you mean .tv." "$homebed" enter tvx
expect "a node without programs" 2 "sw1 is a node without programs" "$homebed" enter sw1

expect "unplug" 0 "" "$homebed" do "unplug tv"
expect "... really" 0 "eth0.*DOWN" "$homebed" enter tv ip -br link show eth0
expect "... and in again" 0 "" "$homebed" do "plug in tv"
expect "what was done is told" 0 "^unplug tv: done$" cat "$folder/one"
expect "what befalls a message" 0 "" "$homebed" do 'at tv -> cfg register do unplug laptop' 'restart tv'
until_true 10 sh -c "'$homebed' enter laptop ip -br link show eth0 | grep -q DOWN"
expect "... befell it" 0 "eth0.*DOWN" "$homebed" enter laptop ip -br link show eth0
expect "a slow cable" 0 "" "$homebed" do "degrade tv -- sw1 delay 30ms"
expect "... really" 0 "time=([6-9][0-9]|[0-9]{3,})" "$homebed" enter tv ping -c 1 -W 2 192.168.10.2
expect "... and healed" 0 "" "$homebed" do "heal tv -- sw1"
expect "a fact" 0 "" "$homebed" do 'wait until cfg agent tv state = "registered"'
expect "a fact that does not come true" 1 "wait until .*: not done within 0.4 s" "$homebed" do --within 0.4 'wait until cfg agent tv state = "expired"'
expect "an unknown action" 2 "action:1:1: error: unknown action .unplg." "$homebed" do "unplg tv"
expect "... with what was meant" 2 "did you mean .unplug." "$homebed" do "unplg tv"
expect "an unknown node, with its place" 2 "action:1:8: error: unknown node .tvv." "$homebed" do "unplug tvv"
expect "a mistake in the second line" 2 "action:2:7: error:" "$homebed" do "unplug tv" "crash tvv"
expect "... and nothing is done" 0 "eth0.*UP" "$homebed" enter tv ip -br link show eth0
expect "no action" 2 "there is no action" "$homebed" do ""
expect "what cannot be done" 1 "send .*laptop has no power|power" sh -c "'$homebed' do 'power off laptop' && '$homebed' do 'send laptop -> network udp 9 \"x\"'"
expect "programs can be ended and started" 0 "" "$homebed" do "power off cfg" "crash tv" "power on cfg" "restart tv"
expect "a program that dies is told" 0 "" "$homebed" enter server sh -c 'kill -KILL $(pgrep -x service-server)'
until_true 5 grep -q "server: its program was ended by signal 9" "$folder/one"
expect "... with its end" 0 "server: its program was ended by signal 9" cat "$folder/one"

# Two homes at once.
up two one-home
second=$pid
printf 'topology lab\nnetwork lan 192.168.10.0/24\nhost a on lan address 192.168.10.2\n' > "$folder/lab.topology"
up lab "$folder/lab.topology"
third=$pid
expect "a second home of the same name" 0 "^one-home-2 is up" cat "$folder/two"
expect "two homes that could be meant" 2 "more than one home is up: lab, one-home, one-home-2; hint: name one with --home" "$homebed" do "unplug tv"
expect "only those that have the node" 2 "more than one home is up: one-home, one-home-2;" "$homebed" enter hg true
expect "named by --home" 0 "" "$homebed" do --home one-home-2 "power off tv"
expect "... it was that one" 0 "DOWN" "$homebed" enter --home one-home-2 tv ip -br link show eth0
expect "... and not the other" 0 "UP" "$homebed" enter --home one-home tv ip -br link show eth0
expect "no home of that name" 2 "no home three is up; up: lab, one-home, one-home-2" "$homebed" do --home three "unplug tv"

# Ends.
"$homebed" enter --home one-home-2 tv sleep 300 &
visitor=$!
"$homebed" do --home one-home-2 'wait until cfg agent tv state = "expired"' > "$folder/waiting" 2>&1 &
waiting=$!
until_true 5 pgrep -P "$visitor"
kill -TERM "$second"
wait "$second"
expect "SIGTERM ends with 0" 0 "" test $? = 0
expect "... and says so" 0 "one-home is gone" cat "$folder/two"
wait "$visitor"
expect "whoever is inside goes with the home" 0 "" test $? = 137
wait "$waiting"
expect "whoever waits is told" 0 "^1 .*the home is being ended" sh -c "echo $? \$(cat '$folder/waiting')"
kill -INT "$third"
wait "$third"
expect "Ctrl-C ends with 0" 0 "" test $? = 0
kill -KILL "$first"
wait "$first" 2> /dev/null
until_true 5 sh -c "! pgrep -f '$bin/(home-gateway|ce-agent|configurator)'"
expect "killed, no program is left" 1 "" pgrep -f "$bin/(homebed up|service-server|ce-agent|configurator|home-gateway)"
expect "... and its socket is told" 2 "the home one-home was killed: nobody answers" "$homebed" do "unplug tv"
expect "... once" 2 "no home is up; hint" "$homebed" do "unplug tv"
expect "no socket is left" 0 "^0$" sh -c "ls '$sockets' | grep -c sock || true"
expect "no folder is left but that of the killed one" 0 "^1$" sh -c "find '$folder' -maxdepth 1 -name 'homebed-up-*' | wc -l"
chmod 755 "$sockets"
expect "a folder open to others is refused" 3 "is not a folder of yours alone" "$homebed" up one-home
chmod 700 "$sockets"

# Without namespaces: the same home at addresses of 127.0.0.0/8.
up loopback one-home --backend loopback
expect "addresses of this machine are told" 0 "tv +ce +192.168.10.21 at 127\.[0-9]+\.[0-9]+\.21$" cat "$folder/loopback"
tv=$(sed -n 's/^  tv .* at \(127[0-9.]*\)$/\1/p' "$folder/loopback")
expect "a program there answers its neighbours" 0 "registered|searching|registering" curl -s -m 5 --interface "${tv%.*}.50" "http://$tv:49210/status"
expect "by hand, on loopback" 0 "" "$homebed" do 'unplug tv' 'plug in tv' 'wait until cfg agent tv state = "registered"'
expect "what befalls a message, on loopback" 0 "" "$homebed" do 'at tv -> cfg register do unplug laptop' 'restart tv'
expect "what loopback cannot do" 1 "cannot be made worse on loopback; hint: use --backend namespaces" "$homebed" do 'degrade tv -- sw1 delay 3ms'
expect "nothing to enter there" 1 "a home on loopback has no nodes to enter" "$homebed" enter tv
kill -INT "$pid"
wait "$pid"
expect "Ctrl-C ends it with 0" 0 "" test $? = 0
expect "... and leaves no program" 1 "" pgrep -f "$bin/(homebed up|service-server|ce-agent|configurator|home-gateway)"

# An ordinary user enters what is its own.
if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
  user="setpriv --reuid 4711 --regid 4711 --clear-groups"
  chmod 755 "$folder"
  mkdir "$folder/user"
  chown 4711:4711 "$folder/user"
  if $user test -x "$homebed"; then
    XDG_RUNTIME_DIR=$folder/user TMPDIR=$folder/user $user "$homebed" up one-home > "$folder/theirs" 2>&1 &
    pid=$!
    until_true 20 grep -q "is up" "$folder/theirs"
    expect "an ordinary user's home" 0 "eth0.*192.168.10.21/24" env XDG_RUNTIME_DIR="$folder/user" $user "$homebed" enter tv ip -br address
    expect "... is theirs alone" 0 "^4711 700$" stat -c '%u %a' "$folder/user/homebed"
    kill -TERM "$pid"
    wait "$pid"
    expect "... and ends" 0 "" test $? = 0
  fi
fi

# The commands of the document, one after the other.
expect "docs/up.md" 0 "" perl "$here/transcript.pl" docs/up.md "$bin" "$folder/document"
expect "docs/reaching-in.md" 0 "" perl "$here/transcript.pl" docs/reaching-in.md "$bin" "$folder/reaching-in"

finish
