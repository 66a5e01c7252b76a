#!/usr/bin/env bash
# The command as its users meet it: exit statuses, words and what is left behind.
# usage: run.sh FOLDER-OF-PROGRAMS
. "$(dirname "$0")/expect.sh"
one=scenarios/sequence-1/new-device.scenario
plain="--option upstream=no --option configure=no"

# A copy of the shipped files with one mistake.
broken() { # NAME FILE SED-PROGRAM
  mkdir -p "$folder/$1/topologies"
  cp topologies/*.topology "$folder/$1/topologies/"
  cp "$one" "$folder/$1/"
  sed -i "$3" "$folder/$1/$2"
}

expect "an unknown flag" 2 "Unknown option '--nonsense'" "$homebed" run --nonsense
expect "an unknown command" 2 "nonsense" "$homebed" nonsense
expect "a path that is not there" 2 "no such file or folder" "$homebed" run nowhere
mkdir "$folder/empty"
expect "no scenario found is an error" 2 "no scenario found in $folder/empty" "$homebed" run "$folder/empty"
expect "an option that nobody has" 2 "no scenario here has such an option" "$homebed" run "$one" --option nonsense=yes
expect "a device that nobody has" 2 "no topology of these scenarios has such a node" "$homebed" run "$one" --device radio=exec:true
expect "a kind of device that is not there yet" 2 "not supported yet" "$homebed" run "$one" --device tv=interface:eth7
expect "slack is a number above 0" 2 "slack" "$homebed" run "$one" --slack 0
expect "the shipped files have no errors" 0 "no errors" "$homebed" check
expect "list names every variant" 0 "new-device\[upstream,pull,!configure\]" "$homebed" list "$one"
expect "list --json is versioned" 0 '"version": 1' "$homebed" list --json "$one"
expect "list --settings" 0 "register-lifetime" "$homebed" list --settings
expect "messages NAME" 0 "PUT /agents/" "$homebed" messages register
expect "a message that is not there" 2 "did you mean .register." "$homebed" messages registr
expect "draw gives a picture" 0 "<title>tv--sw1.3</title>" "$homebed" draw one-home
expect "draw gives a tree" 0 "└─ tv  CE device  192.168.10.21" "$homebed" draw topologies/two-homes.topology --format text
expect "draw writes a file" 0 "^graph " sh -c "'$homebed' draw one-home --format dot --output '$folder/out.dot' && cat '$folder/out.dot'"
expect "a topology that is not there is not drawn" 2 "nowhere" "$homebed" draw nowhere
expect "a format that nobody draws" 2 "png" "$homebed" draw one-home --format png
expect "help" 0 "decode" "$homebed" --help
expect "version" 0 "^[0-9]+\.[0-9]+\.[0-9]+$" "$homebed" --version

# What docs/scenarios.md shows of a failure.
mkdir "$folder/first"
cp -r examples/topologies examples/first-steps.scenario "$folder/first/"
sed -i 's/with status = 201/with status = 200/' "$folder/first/first-steps.scenario"
expect "the example of the documentation fails as it says there" 1 \
  "first-steps.scenario:17:5: step 3 \(4.2\): expected cfg -> tv register-reply with status = 200 and configuratorId = .id; saw cfg -> tv register-reply at .* \(frame [0-9]+\): status is 201, expected = 200" \
  "$homebed" run "$folder/first/first-steps.scenario" --option upstream=no

broken word new-device.scenario 's/tv -> cfg register with/tv -> cfg registr with/'
expect "a message misspelt" 2 "new-device.scenario:[0-9]+:[0-9]+: error: .*registr" "$homebed" check "$folder/word/new-device.scenario"
expect "... with what was meant" 2 "did you mean .*register" "$homebed" check "$folder/word/new-device.scenario"
broken direction new-device.scenario 's/tv -> cfg register with/cfg -> tv register with/'
expect "a direction that the catalogue lacks" 2 "new-device.scenario:[0-9]+:[0-9]+: error:" "$homebed" check "$folder/direction/new-device.scenario"
broken address topologies/one-home.topology 's/192.168.10.21/192.168.11.21/'
expect "an address outside of its network" 2 "one-home.topology:[0-9]+:[0-9]+: error:" "$homebed" check "$folder/address/new-device.scenario"
expect "... also when it is to be run" 2 "one-home.topology:[0-9]+:[0-9]+: error:" "$homebed" run "$folder/address/new-device.scenario"

# Programs that misbehave in a node's place.
expect "a program that ends at once" 3 "ended" "$homebed" run "$one" $plain --device cfg=exec:"echo broken; exit 7"
expect "... shows its last lines" 3 "broken" "$homebed" run "$one" $plain --device cfg=exec:"echo broken; exit 7"
expect "a command that is not there" 3 "not found|cannot" "$homebed" run "$one" $plain --device cfg=exec:/no/such/program
expect "a device that never speaks fails the right step" 1 "step 1 \(4.2\): expected tv -> network discover" \
  "$homebed" run "$one" $plain --device tv=exec:"echo ready; exec sleep 60"
expect "a topology with what is not built yet" 3 "not supported yet" "$homebed" run "$here/short-lease.scenario"

# Reports for machines.
expect "tap" 0 "^ok 1 - new-device\[!upstream,!pull,!configure\]$" "$homebed" run "$one" $plain --tap
expect "junit" 0 "1 passed, 0 failed" "$homebed" run "$one" $plain --junit "$folder/junit.xml"
expect "... is well-formed" 0 "testsuites" python3 -c \
  "import sys, xml.etree.ElementTree as e; print(e.parse(sys.argv[1]).getroot().tag)" "$folder/junit.xml"
expect "a report" 0 "1 passed, 0 failed" "$homebed" run "$one" $plain --report "$folder/report"
run=$folder/report/new-device-no-upstream-no-pull-no-configure
for file in verdict.json trace.jsonl capture.pcapng ladder.txt logs/tv.log logs/cfg.log; do
  expect "the report has $file" 0 "" test -s "$run/$file"
done
expect "decode speaks the scenarios' notation" 0 "tv -> cfg register" "$homebed" decode "$run/capture.pcapng"
expect "decode reads standard input" 0 "tv -> network discover" sh -c "'$homebed' decode - < '$run/capture.pcapng'"
expect "verify" 0 "^pass  new-device" "$homebed" verify "$one" "$run/capture.pcapng"
expect "verify by another scenario" 2 "not of" "$homebed" verify scenarios/sequence-1/wrong-token.scenario "$run/capture.pcapng"
expect "verify what is no capture" 2 "error:" "$homebed" verify "$one" README.md

# Backends.
expect "auto says what it takes and why" 0 "^backend: (namespaces|loopback), since " "$homebed" run "$one" $plain
printf '#!/bin/sh\n[ "$1" = probe ] || exec "%s" "$@"\necho "homebed-launcher: cannot make namespaces: forbidden; as root: sysctl a.b=1" >&2\nexit 77\n' \
  "$bin/homebed-launcher" > "$folder/launcher"
chmod +x "$folder/launcher"
expect "... loopback where the kernel forbids namespaces, with the remedy" 0 \
  "^backend: loopback, since .*cannot make namespaces: forbidden; as root: sysctl a.b=1$" \
  env HOMEBED_LAUNCHER="$folder/launcher" "$homebed" run "$one" $plain
expect "a backend that is not there" 2 "namespaces.*loopback|loopback.*namespaces" "$homebed" run "$one" --backend moon
expect "loopback needs no namespaces" 0 "1 passed, 0 failed" "$homebed" run "$one" $plain --backend loopback --report "$folder/loopback"
run=$folder/loopback/new-device-no-upstream-no-pull-no-configure
expect "... its capture has the topology's addresses" 0 '"configurationURL":"http://192.168.10.21:49210' \
  "$homebed" decode --json "$run/capture.pcapng"
expect "... and gives the verdict again" 0 "^pass  new-device" "$homebed" verify "$one" "$run/capture.pcapng"
expect "... and leaves nothing but its report" 0 "^(capture.pcapng ladder.txt logs trace.jsonl verdict.json )$" \
  sh -c "ls '$run' | tr '\n' ' '"
expect "what needs NAT is counted, and no failure" 0 "0 passed, 0 failed, 2 not applicable" \
  "$homebed" run scenarios/homes/double-nat.scenario --backend loopback
expect "... with what needs it" 0 "needs nat: provider" "$homebed" run scenarios/homes/double-nat.scenario --backend loopback
expect "what needs Ethernet" 0 "needs ethernet: " "$homebed" run scenarios/links/slow-line.scenario --backend loopback
expect "a foreign program's cable" 0 "needs carrier: tv " \
  "$homebed" run scenarios/sequence-2/address-changed.scenario --backend loopback --device tv=exec:true
expect "a foreign program that never speaks, on loopback too" 1 "step 1 \(4.2\): expected tv -> network discover" \
  "$homebed" run "$one" $plain --backend loopback --device tv=exec:"echo ready; exec sleep 60"

# Signals end everything at once, and say so.
waiting=$here/waits.scenario
for signal in INT:130 TERM:143; do
  # A shell starts its background jobs with SIGINT ignored; perl gives it back.
  perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$homebed" run "$waiting" > "$folder/told" 2>&1 < /dev/null &
  pid=$!
  for _ in $(seq 100); do
    # Waiting until the home's programs are there, not for a time.
    pgrep -P "$pid" > /dev/null && pgrep -f "$bin/service-server" > /dev/null && break
    sleep 0.05
  done
  kill -"${signal%:*}" "$pid"
  wait "$pid"
  status=$?
  expect "SIG${signal%:*} ends with ${signal#*:}" 0 "" test "$status" = "${signal#*:}"
  expect "... and says so" 0 "interrupted" cat "$folder/told"
  expect "... and leaves no program" 1 "" pgrep -f "$bin/(service-server|ce-agent|configurator|home-gateway)"
done

# Whatever kills the runner, nothing is left behind: killed at random moments, in whichever of its processes.
# A hundred where nothing may be skipped, ten where somebody waits.
rounds=${HOMEBED_KILL_ROUNDS:-$([ "${CI:-}" = true ] && echo 100 || echo 10)}
namespaces() { find /proc/[0-9]*/ns/net -maxdepth 0 -printf '%l\n' 2> /dev/null | sort -u | wc -l; }
links() { find /sys/class/net -mindepth 1 | wc -l; }
before="$(namespaces) $(links) $(wc -l < /proc/mounts)"
left=0
export TMPDIR=$folder
for _ in $(seq "$rounds"); do
  backend=$([ $((RANDOM % 2)) = 0 ] && echo namespaces || echo loopback)
  "$homebed" run "$waiting" "$one" --backend $backend > /dev/null 2>&1 < /dev/null &
  pid=$!
  sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
  # The launcher itself, or the runner that is the child of its init.
  victim=$pid
  [ $((RANDOM % 2)) = 0 ] || victim=$(pgrep -f "$bin/homebed run $waiting" | tail -n 1)
  kill -KILL "${victim:-$pid}" 2> /dev/null
  wait "$pid" 2> /dev/null
  for _ in $(seq 100); do
    pgrep -f "$bin/" > /dev/null || break
    sleep 0.05
  done
  pgrep -f "$bin/" > /dev/null && left=$((left + 1))
done
expect "killed $rounds times at random, no process is left" 0 "" test "$left" = 0
for _ in $(seq 40); do
  [ "$(namespaces) $(links) $(wc -l < /proc/mounts)" = "$before" ] && break
  sleep 0.05
done
expect "... and no namespace, interface or mount" 0 "" test "$(namespaces) $(links) $(wc -l < /proc/mounts)" = "$before"
expect "... and no file but the runs' own folders" 0 "^0$" sh -c \
  "find '$folder' -mindepth 1 -maxdepth 1 -newer '$here/run.sh' ! -name 'homebed-*' ! -name out ! -name out.dot ! -name first ! -name launcher ! -name loopback ! -name told ! -name junit.xml ! -name report ! -name empty ! -name word ! -name direction ! -name address | wc -l"

finish
