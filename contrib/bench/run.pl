#!/usr/bin/perl
# Measures homebed against a floor in the same run: whole processes, taken in turn, medians and their ratio.
# usage: run.pl FOLDER-OF-RELEASE-PROGRAMS [NAME ...]
use strict;
use warnings;
use Time::HiRes qw(time);
use File::Temp qw(tempdir);
use IO::Socket::INET;

my $bin = shift @ARGV or die "usage: run.pl FOLDER-OF-RELEASE-PROGRAMS [NAME ...]\n";
my %wanted = map { $_ => 1 } @ARGV;
my $scratch = tempdir(CLEANUP => 1);
my $faults = 0;

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[$#sorted / 2] }

# Runs a command with its output thrown away; its wall time in ms.
sub once {
  my ($command) = @_;
  my $before = time;
  system("$command > $scratch/out 2> $scratch/err");
  my $spent = (time - $before) * 1000;
  if ($? != 0) {
    open my $err, '<', "$scratch/err";
    print "  a run ended with status ", $? >> 8, ": $command\n", map { "    $_" } <$err>;
    $faults++;
  }
  return $spent;
}

# Medians of commands that take turns, so that a change of the machine's speed touches all alike.
sub turns {
  my ($runs, @commands) = @_;
  once($_) for @commands;
  my @times = map { [] } @commands;
  for (1 .. $runs) { push @{ $times[$_] }, once($commands[$_]) for 0 .. $#commands }
  return map { median(@$_) } @times;
}

sub section {
  my ($name, $title, $body) = @_;
  return if %wanted && !$wanted{$name};
  print "$title\n";
  $body->();
}

section('home', 'a 4-host home up, one ping, down: whole processes, median of 31', sub {
  system("cc -O2 -o $scratch/home contrib/bench/home.c") == 0 or die "contrib/bench/home.c does not compile\n";
  my ($ours, $floor, $batch) =
    turns(31, "$bin/homebed-launcher world -- $bin/homebed-bench home", "$scratch/home", 'sh contrib/bench/home.sh');
  printf "  homebed      %7.1f ms\n  C, rtnetlink %7.1f ms\n  ip -batch    %7.1f ms\n", $ours, $floor, $batch;
  printf "  ratio homebed / C: %.2f (goal: at most 1.5)\n", $ours / $floor;
});

section('home64', 'a 64-host home up, one ping, down: whole processes, median of 7', sub {
  system("cc -O2 -o $scratch/home contrib/bench/home.c") == 0 or die "contrib/bench/home.c does not compile\n";
  my %others = mininet();
  my ($ours, $floor, $batch, @rest) = turns(7, "$bin/homebed-launcher world -- $bin/homebed-bench home 64",
    "$scratch/home 64", 'sh contrib/bench/home.sh 64', $others{command} // ());
  printf "  homebed      %7.1f ms\n  C, rtnetlink %7.1f ms\n  ip -batch    %7.1f ms\n", $ours, $floor, $batch;
  printf "  mininet      %s\n", @rest ? sprintf('%7.1f ms', $rest[0]) : "skipped: $others{skipped}";
  printf "  ratio homebed / C: %.2f\n", $ours / $floor;
});

# How to run mininet here, or why it is not.
sub mininet {
  # Debian's package is for Debian's Python, whatever else is in PATH.
  my $python = '/usr/bin/python3';
  return (skipped => 'not installed: apt-get install mininet bridge-utils')
    if system("$python -c 'import mininet' 2> /dev/null") || system('command -v brctl > /dev/null');
  # In a world of its own, so that it leaves the machine's network alone.
  return (command => "$bin/homebed-launcher world -- $python contrib/bench/home_mininet.py 64");
}

# Parts that are measured inside a world, by homebed-bench itself.
sub inside { system("$bin/homebed-launcher", 'world', '--', "$bin/homebed-bench", @_) == 0 or $faults++ }

section('link', 'links: 64 octets there and back, and one TCP connection; medians of 5 turns', sub { inside('link', 5) });

section('capture', 'a captured link flooded with datagrams of 64 octets, a second each', sub { inside('capture') });

section('nat', 'gateways: UDP out, TCP in through a mapping; medians of 5 turns', sub {
  system("cc -O2 -o $scratch/traffic contrib/bench/traffic.c") == 0 or die "contrib/bench/traffic.c does not compile\n";
  system("$bin/homebed-launcher", 'world', '--', 'python3', 'contrib/bench/nat.py', $bin, "$scratch/traffic", 5) == 0
    or $faults++;
});

section('mappings', 'gateways: 1,000 mappings added, listed and removed, a connection for each request; one turn', sub {
  my @gateways = (['home-gateway', '', "$bin/home-gateway"]);
  push @gateways, ['miniupnpd', 'MINIUPNPD_LOG= ', 'sh Tests/Peers/miniupnpd.sh 2'] unless system('command -v miniupnpd > /dev/null');
  printf "  %-14s %10s %10s %14s %10s\n", '', 'add', 'list', 'list at once', 'remove';
  for (@gateways) {
    my ($name, $variables, $command) = @$_;
    # A gateway whose work grows with the square of what it holds is not waited for until the end.
    my $run = "timeout 300 $bin/homebed-launcher world -- sh contrib/bench/mappings.sh 1000 $command";
    my %ms = map { split } `${variables}$run`;
    my @cells = map { defined $ms{$_} ? sprintf('%7.0f ms', $ms{$_}) : 'not done' } qw(add list list-at-once remove);
    printf "  %-14s %10s %10s %14s %10s\n", $name, @cells;
    $faults++ if $name eq 'home-gateway' && !defined $ms{remove};
  }
});

section('suite', 'all scenarios, and where the time goes', sub {
  for my $backend (qw(namespaces loopback)) {
    my $spent = once("$bin/homebed run --backend $backend --report $scratch/suite-$backend");
    my %seconds;
    open my $junit, '<', "$scratch/suite-$backend/junit.xml" or next;
    while (<$junit>) { $seconds{$1} = $2 if /<testcase .*? name="([^"]*)".*? time="([\d.]+)"/ }
    my $sum = 0;
    $sum += $_ for values %seconds;
    printf "  %s: %d variants in %.1f s; together they took %.1f s. The ten longest:\n", $backend,
      scalar keys %seconds, $spent / 1000, $sum;
    my @longest = sort { $seconds{$b} <=> $seconds{$a} } keys %seconds;
    printf "  %8.2f s  %s\n", $seconds{$_}, $_ for grep { defined } @longest[0 .. 9];
  }
});

my $sequence = 'scenarios/sequence-1/new-device.scenario --option configure=yes';

section('sequence', 'one variant of Sequence 1: a whole homebed run, median of 21', sub {
  my @backends = qw(namespaces loopback);
  my @times = turns(21, map { "$bin/homebed run $sequence --backend $_ --report $scratch/report" } @backends);
  printf "  %-11s %.1f ms, of which 150 ms settle after the last line; %.1f ms apart from it (goal: at most 150 ms)\n",
    $backends[$_], $times[$_], $times[$_] - 150
    for 0 .. $#backends;
});

section('judge', 'a million events judged', sub { system("$bin/homebed-bench", 'judge', '1000000') == 0 or $faults++ });

section('decode', "a run's capture turned into messages, 200 times", sub {
  once("$bin/homebed run $sequence --report $scratch/report");
  my ($capture) = glob "$scratch/report/*/capture.pcapng";
  system("$bin/homebed-bench", 'decode', $capture) == 0 or $faults++;
});

section('role', 'role programs: start to first reply, median of 21; resident memory', sub {
  for my $role (
    ['ce-agent', '/status', 49210], ['configurator', '/description.xml', 49200], ['service-server', '/v1/homes', 8080],
    ['home-gateway', '/description.xml', 49300]) {
    my ($name, $path, $port) = @$role;
    my (@times, $memory);
    for (1 .. 21) {
      my ($time, $resident) = first_reply("$bin/$name", $path, $port) or last;
      push @times, $time;
      $memory = $resident;
    }
    if (@times < 21) { print "  $name did not answer\n"; $faults++; next }
    printf "  %-15s %6.1f ms, %.1f MB (goal: 12 ms, 25 MB)\n", $name, median(@times), $memory;
  }
});

# Starts a role on loopback; ms until its first reply, and its resident memory in MB.
sub first_reply {
  my ($program, $path, $port) = @_;
  my $state = tempdir(DIR => $scratch);
  my $tokens = "$state/tokens";
  open my $file, '>', $tokens or die "$tokens: $!\n";
  print $file '{"operatorToken":"AAAAAAAAAAAAAAAAAAAAAA","homeToken":"BAAAAAAAAAAAAAAAAAAAAA","homes":{}}';
  close $file;
  my $before = time;
  my $pid = fork // die "fork: $!\n";
  if (!$pid) {
    open STDOUT, '>', "$scratch/out";
    open STDERR, '>', "$scratch/err";
    $ENV{SWIFT_BACKTRACE} = 'enable=no';
    my @tokens = $program =~ /ce-agent|home-gateway/ ? () : ('--token-file', $tokens);
    exec $program, '--address', '127.77.0.1', '--http-port', $port, '--state-dir', $state, @tokens;
  }
  my $reply;
  while (!$reply && time - $before < 5) {
    my $socket = IO::Socket::INET->new(PeerAddr => "127.77.0.1:$port", Proto => 'tcp') or select(undef, undef, undef, 0.0005), next;
    print $socket "GET $path HTTP/1.1\r\nHost: 127.77.0.1:$port\r\nConnection: close\r\n\r\n";
    $reply = <$socket>;
  }
  my $spent = (time - $before) * 1000;
  my ($resident) = map { /^VmRSS:\s+(\d+)/ ? $1 / 1024 : () } do { open my $s, '<', "/proc/$pid/status"; <$s> };
  kill 'TERM', $pid;
  waitpid $pid, 0;
  return $reply ? ($spent, $resident) : ();
}

exit($faults ? 1 : 0);
