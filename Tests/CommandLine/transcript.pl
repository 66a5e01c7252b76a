#!/usr/bin/perl
# Runs the commands of a document's ```console blocks, in order, and holds what they print against what stands there.
#   usage: transcript.pl DOCUMENT FOLDER-OF-PROGRAMS WORKING-FOLDER
# After `$ COMMAND` each line must be one of the command's lines, in this order; `...` stands for anything. `homebed up` is
# left running until the end, where Ctrl-C must end it with 0; a `tail -f` is ended when all its lines were seen.
use strict;
use warnings;
use Cwd qw(abs_path);
use Time::HiRes qw(time sleep);

my ($document, $bin, $folder) = @ARGV;
open my $file, '<', $document or die "$document: $!\n";
my (@steps, $in);
while (<$file>) {
  chomp;
  if (/^```/) { $in = /^```console$/; next }
  next unless $in;
  if (/^\$ (.*)/) { push @steps, { command => $1, line => $., expected => [] } }
  elsif (@steps) { push @{ $steps[-1]{expected} }, $_ }
}
die "$document has no commands\n" unless @steps;

my $topologies = abs_path('topologies');
$ENV{PATH} = abs_path($bin) . ":$ENV{PATH}";
mkdir $folder;
chdir $folder or die "$folder: $!\n";
symlink $topologies, 'topologies';
my ($faults, $home) = (0, undef);

for my $step (@steps) {
  my $name = "$document:$step->{line}";
  my $out = sprintf 'line-%d', $step->{line};
  my $pid = fork // die "fork: $!\n";
  if (!$pid) {
    setpgrp;
    $SIG{INT} = 'DEFAULT';
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', $out;
    open STDERR, '>&', \*STDOUT;
    exec $step->{command} =~ /[|'"]/ ? ('bash', '-c', $step->{command}) : split ' ', $step->{command};
    exit 127;
  }
  my $runs_on = $step->{command} =~ /^homebed up|\btail\b.* -f/;
  my $missing;
  my $end = time + 30;
  while (1) {
    my $ended = !$runs_on && waitpid($pid, 1) == $pid;
    $missing = missing($out, $step->{expected});
    last if $ended || ($runs_on && !defined $missing) || time > $end;
    sleep 0.02;
  }
  if (defined $missing) {
    print "$name: $step->{command}: no line (after those before it): $missing\n", map { "  $_\n" } lines($out);
    $faults++;
  }
  if ($step->{command} =~ /^homebed up/) { $home = $pid }
  elsif ($runs_on) { kill 'TERM', -$pid; waitpid $pid, 0 }
}
if ($home) {
  kill 'INT', $home;
  waitpid $home, 0;
  if ($?) { print "homebed up ended with $?\n"; $faults++ }
}
printf "%d commands, %d faults\n", scalar @steps, $faults;
exit($faults ? 1 : 0);

sub lines {
  open my $out, '<', $_[0] or return ();
  chomp(my @lines = <$out>);
  return @lines;
}

# The first expected line that was not printed.
sub missing {
  my ($out, $expected) = @_;
  my @lines = lines($out);
  for my $wanted (@$expected) {
    my $pattern = join '.*', map { quotemeta } split /\.\.\./, $wanted, -1;
    while (@lines && $lines[0] !~ /^$pattern$/) { shift @lines }
    return $wanted unless @lines;
    shift @lines;
  }
  return undef;
}
