#!/usr/bin/perl
# Measures homebed against a floor in the same run: whole processes, taken in turn, medians and their ratio.
# usage: run.pl FOLDER-OF-RELEASE-PROGRAMS [NAME ...]
use strict;
use warnings;
use Time::HiRes qw(time);
use File::Temp qw(tempdir);

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
  my $launch = "$bin/homebed-launcher world --";
  my ($ours, $floor, $batch) =
    turns(31, "$launch $bin/homebed-bench home", "$launch $bin/home-floor", "$launch sh contrib/bench/home-batch.sh");
  printf "  homebed      %7.1f ms\n  C, rtnetlink %7.1f ms\n  ip -batch    %7.1f ms\n", $ours, $floor, $batch;
  printf "  ratio homebed / C: %.2f (goal: at most 1.5)\n", $ours / $floor;
});

section('sequence', 'one variant of Sequence 1: a whole homebed run, median of 21', sub {
  my $run = "$bin/homebed run scenarios/sequence-1/new-device.scenario --option configure=yes --report $scratch/report";
  my ($ours) = turns(21, $run);
  printf "  %.1f ms (no off line, hence no settle; goal: at most 150 ms)\n", $ours;
});

section('judge', 'a million events judged', sub {
  system("$bin/homebed-bench", 'judge', '1000000') == 0 or $faults++;
});

section('decode', 'a capture read: packets to events', sub {
  system("$bin/homebed-bench", 'decode', '200000') == 0 or $faults++;
});

section('role', 'a role program: start to first reply, median of 31; resident memory', sub {
  system("$bin/homebed-bench", 'role', $bin) == 0 or $faults++;
});

exit($faults ? 1 : 0);
