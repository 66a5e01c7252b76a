#!/usr/bin/perl
# Writes scenarios/crashes/: programs crashed and restarted at the messages of Sequences 1 to 3.
# usage: crashes.pl [--check]   (--check: fails where the files differ from what would be written)
use strict;
use warnings;

my $check = @ARGV && $ARGV[0] eq '--check';
my $root = 'scenarios/crashes';
my %name = (
  tv => 'the CE device', cfg => 'the configurator', server => 'the service server', hg => 'the home gateway',
  phone => 'the mobile device',
);

# Each message of a sequence, in order: FROM, TO, NAME.
my @first = (
  ['tv', 'network', 'discover'],
  ['cfg', 'tv', 'discover-reply'],
  ['tv', 'cfg', 'register'],
  ['cfg', 'tv', 'register-reply'],
  ['cfg', 'server', 'server-register'],
  ['server', 'cfg', 'server-register-reply'],
  ['cfg', 'server', 'configuration-request'],
  ['server', 'cfg', 'configuration-reply'],
  ['cfg', 'tv', 'configure'],
  ['tv', 'cfg', 'configure-reply'],
);
my @second = (['operator', 'server', 'configuration-update'], ['server', 'operator', 'configuration-update-reply'], @first);

# Who hangs up or crashes at each message of Sequence 3.
my @everybody = qw(phone cfg server);
my @third = (
  ['phone', 'server', 'connect', @everybody],
  ['server', 'cfg', 'request', @everybody],
  ['cfg', 'tv', 'control', @everybody, 'tv'],
  ['tv', 'cfg', 'control-reply', @everybody, 'tv'],
  ['cfg', 'hg', 'map-port', @everybody, 'hg'],
  ['hg', 'cfg', 'map-port-reply', @everybody, 'hg'],
  ['cfg', 'server', 'request-result', @everybody],
  ['server', 'cfg', 'request-result-reply', @everybody],
  ['server', 'phone', 'connect-reply', @everybody],
  ['phone', 'tv', 'connection', @everybody, 'tv', 'hg'],
  ['tv', 'phone', 'connection-reply', @everybody, 'tv', 'hg'],
);

my %wanted;
table(1, @first);
table(2, @second);
reach($_) for @third;
exit finish();

sub table {
  my ($sequence, @messages) = @_;
  my %place = map { $messages[$_][2] => $_ } 0 .. $#messages;
  for my $at (0 .. $#messages) {
    my ($from, $to, $message) = @{ $messages[$at] };
    for my $victim (qw(tv cfg server)) {
      my $title = "Sequence $sequence: $name{$victim} crashes at $message and is started again";
      my $file = "crash-$sequence-$victim-at-$message";
      # What was acknowledged before the crash must still be known after it.
      my @lost = ("cfg -> tv register-reply where status = 409");
      # A repeat of the first register gets its first answer again, 201 and all; another token would be another record.
      my $isKnown = $sequence == 1 && $at > $place{'register-reply'};
      push @lost, 'cfg -> tv register-reply where controlToken != $token' if $isKnown;
      push @lost, "cfg -> tv register-reply where status = 201" if $sequence == 2;
      push @lost, "server -> cfg server-register-reply where status = 201"
        if $sequence == 2 || $at > $place{'server-register-reply'};
      $wanted{"$root/sequence-$sequence/$file.scenario"} =
        $sequence == 1
        ? first($file, $title, $isKnown, "$from -> $to $message", $victim, @lost)
        : second($file, $title, "$from -> $to $message", $victim, @lost);
    }
  }
}

# Whatever comes of the first connection, the second one is served: nothing is stuck, nothing is forgotten.
sub reach {
  my ($from, $to, $message, @victims) = @{ $_[0] };
  for my $victim (@victims) {
    my $file = "crash-3-$victim-at-$message";
    my $title = "Sequence 3: $name{$victim} crashes at $message and is started again";
    # A stream that was cut without a word is given up after 45 s.
    my $stream = $victim eq 'cfg' || $victim eq 'server' ? "  cfg -> server request-stream\n  server -> cfg request-stream-reply\n" : '';
    # A new configurator has 10 s to take up what is open, whatever else the machine does.
    my ($pace, $limit) = $victim eq 'server' ? (8, 300) : $victim eq 'cfg' ? (1, 30) : (5, 300);
    # What the server has asked for and got no result of, it asks of the new configurator again. A result that went out
    # before the crash it has: then it replies at once, and no new stream is needed for that.
    $stream = "  in any order\n" . join('', map { "  $_\n" } split /\n/, $stream)
      . "    server -> phone connect-reply where status = 201\n  end\n"
      if $victim eq 'cfg' && $message =~ /^(connect|request|control|control-reply|map-port|map-port-reply|request-result)$/;
    my $isUp = "  wait until $victim is up\n";
    $wanted{"$root/sequence-3/$file.scenario"} = <<"TEXT";
# Written by contrib/scenarios/crashes.pl.
scenario $file "$title"
profile 5
topology one-home
tags crash
pace $pace
time limit ${limit}s

given
  power on server, hg
  power on cfg, phone
  server holds configuration for tv
    hostName = "tv"
  end
  power on tv
  wait until cfg agent tv state = "configured"

when
  at $from -> $to $message do restart $victim
  phone connects to tv media

expect
  $from -> $to $message
  never
    # A token that was given opens the application.
    tv -> phone connection-reply where status = 401
  end
$stream$isUp
when
  phone connects to tv media

expect
  phone -> server connect
  server -> phone connect-reply where status = 201 save connectionToken as \$token
  phone -> tv connection where token = \$token
  tv -> phone connection-reply with status = 200
TEXT
  }
}

sub head {
  my ($file, $title) = @_;
  return <<"TEXT";
# Written by contrib/scenarios/crashes.pl.
scenario $file "$title"
profile 3
topology one-home
tags crash
pace 20
time limit 600s

TEXT
}

# Until the configuration is applied and known, none of these may come: they would tell of something forgotten.
sub tail {
  my ($isKnown, $arrow, $setting, @lost) = @_;
  my $known = $isKnown ? "  cfg -> tv register-reply save controlToken as \$token\n" : '';
  my $lost = join '', map { "    $_\n" } @lost;
  return <<"TEXT";
expect
${known}  $arrow
  never
${lost}  end
  wait until tv configuration $setting
  wait until cfg agent tv state = "configured"
  wait until server is up

then
  tv configuration $setting
  cfg agent tv state = "configured"
  tv is up
  cfg is up
  server is up
TEXT
}

sub first {
  my ($file, $title, $isKnown, $arrow, $victim, @lost) = @_;
  return head($file, $title) . <<"TEXT" . tail($isKnown, $arrow, 'ntpServer = "198.51.100.10"', @lost);
given
  power on server, hg, cfg
  server holds configuration for tv
    ntpServer = "198.51.100.10"
  end

when
  at $arrow do restart $victim
  power on tv

TEXT
}

sub second {
  my ($file, $title, $arrow, $victim, @lost) = @_;
  return head($file, $title) . <<"TEXT" . tail(0, $arrow, 'hostName = "bedroom"', @lost);
given
  power on server, hg, cfg
  server holds configuration for tv
    hostName = "living-room"
  end
  power on tv
  wait until cfg agent tv state = "configured"
  wait until tv configuration hostName = "living-room"

when
  unplug tv
  at $arrow do restart $victim
  server holds configuration for tv
    hostName = "bedroom"
  end
  move tv to sw1.6
  plug in tv

TEXT
}

sub finish {
  my @wrong;
  for my $path (sort keys %wanted) {
    my $text = -e $path ? do { local (@ARGV, $/) = $path; <> } : '';
    next if $text eq $wanted{$path};
    push @wrong, $path;
    next if $check;
    (my $folder = $path) =~ s{/[^/]*$}{};
    system('mkdir', '-p', $folder);
    open my $out, '>', $path or die "$path: $!\n";
    print $out $wanted{$path};
  }
  for my $path (grep { !$wanted{$_} } glob "$root/*/*.scenario") {
    push @wrong, $path;
    unlink $path unless $check;
  }
  print "crashes: ", scalar(keys %wanted), " scenarios", (@wrong ? ", " . @wrong . ($check ? " differ: @wrong" : " written") : ", all as written"), "\n";
  return $check && @wrong ? 1 : 0;
}
