#!/usr/bin/env bash
# What a machine may run out of: each ends with a verdict that names it, and a clean machine.
# usage: exhaustion.sh FOLDER-OF-PROGRAMS
. "$(dirname "$0")/expect.sh"
export TMPDIR=$folder/tmp
mkdir "$TMPDIR"
one="scenarios/sequence-1/new-device.scenario --option upstream=no --option configure=no"

# clean NAME: no program of ours runs, and no run's folder is left.
clean() {
  until_true 5 sh -c "! pgrep -f '$bin/(homebed run|service-server|ce-agent|configurator|home-gateway)'"
  expect "$1: no program is left" 1 "" pgrep -f "$bin/(homebed run|service-server|ce-agent|configurator|home-gateway)"
  expect "$1: no folder is left" 0 "^0$" sh -c "find '$TMPDIR' -mindepth 1 -maxdepth 1 -name 'homebed*' | wc -l"
}

# limited FLAG VALUE COMMAND...: with a resource limit, which cannot be raised again.
limited() {
  local flag=$1 value=$2
  shift 2
  bash -c "ulimit -S$flag $value && ulimit -H$flag $value && exec \"\$@\"" - "$@"
}

expect "open files" 3 "cannot .*: Too many open files; hint: the limit of open files is 64; raise it with ulimit -n" \
  limited n 64 "$homebed" run scenarios/homes/forty-devices.scenario
expect "... too few for any home" 3 "cannot have the 32 files open .*; hint: the limit of open files is 10" \
  limited n 10 "$homebed" run $one
expect "... or for up" 3 "hint: the limit of open files is 12" limited n 12 "$homebed" up one-home
clean "open files"

# Where memory is too small even for the runner's own start, the launcher tells of its end.
told() {
  limited v "$1" "$homebed" run $one
  local got=$?
  [ "$got" -lt 128 ] && return "$got"
  return 3
}
short="hint: (memory has run out|no process or thread)|memory may have run out"
expect "memory" 3 "$short" told 100000
clean "memory"

expect "the size of a file" 3 "cannot .*: File too large; hint: the limit of a file's size is reached|has no room|disk I/O error" \
  limited f 1 "$homebed" run $one
clean "the size of a file"

# In a user namespace of its own anybody is root enough to mount a small disk, and to lower the limits of namespaces.
inside() { unshare --user --map-root-user --mount bash -c "$@"; }
if inside true 2> /dev/null; then
  mkdir "$folder/disk"
  on_disk() { inside "mount -t tmpfs -o size=$1 none '$folder/disk' && exec '$homebed' run ${*:2} --report '$folder/disk'"; }
  expect "a full disk" 3 "has no room: database or disk is full|hint: the disk is full" on_disk 64k $one
  expect "a disk that fills up meanwhile" 3 "ERR.*fills-the-disk" on_disk 800k "$here/fills-the-disk.scenario"
  expect "... is named" 3 "No space left on device; hint: the disk is full" on_disk 800k "$here/fills-the-disk.scenario"
  expect "a full folder for temporary files" 3 "No space left on device; hint: the disk is full" \
    inside "mount -t tmpfs -o size=4k none '$folder/disk' && TMPDIR='$folder/disk' exec '$homebed' run $one"
  clean "disk"

  few() { inside "echo $2 > /proc/sys/user/max_$1_namespaces && exec '$homebed' run $one"; }
  expect "network namespaces" 3 "cannot make a network namespace: .*; hint: the limit of network namespaces is reached" few net 3
  expect "... none at all" 0 "backend: loopback, since .* limit of namespaces is 0" few net 0
  expect "process namespaces" 3 "the kernel's limit of namespaces is reached; as root: raise" few pid 3
  expect "mount namespaces" 3 "the kernel's limit of namespaces is reached; as root: raise" few mnt 4
  clean "namespaces"
else
  echo "skip  disk and namespaces: no user namespace of our own here"
fi

# Root has no limit of processes.
if [ "$(id -u)" != 0 ]; then
  expect "processes" 3 "hint: no process or thread can be started" limited u 8 "$homebed" run $one
elif setpriv --reuid 4711 --regid 4711 --clear-groups test -x "$homebed"; then
  chmod 755 "$folder"
  chmod 777 "$TMPDIR"
  expect "processes" 3 "hint: no process or thread can be started" \
    setpriv --reuid 4711 --regid 4711 --clear-groups bash -c "ulimit -u 8 && exec '$homebed' run $one"
fi
clean "processes"

expect "a wait that never ends" 1 "never-ends.scenario:[0-9]+:[0-9]+: expected tv -> cfg deregister within 1 s" \
  timeout 20 "$homebed" run "$here/never-ends.scenario"
clean "a wait that never ends"

# A runner that dies by itself is told by the launcher.
expect "a runner that dies" 134 "was ended by signal 6 .*, and its home with it" "$bin/homebed-launcher" world -- sh -c 'kill -ABRT $$'

finish
