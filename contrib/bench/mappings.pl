#!/usr/bin/perl
# Adds mappings at a UPnP gateway, lists them one by one and at once, deletes them; a connection for each request, as
# control points do. usage: mappings.pl ADDRESS:PORT OWN-ADDRESS COUNT; prints a line a phase: NAME MS
use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes qw(time);

my ($gateway, $own, $count) = @ARGV;
my $type = 'urn:schemas-upnp-org:service:WANIPConnection:2';

sub request {
  my ($method, $path, $body, @fields) = @_;
  my $socket = IO::Socket::INET->new(PeerAddr => $gateway, Proto => 'tcp') or return;
  my $length = length($body // '');
  print $socket join("\r\n", "$method $path HTTP/1.1", "Host: $gateway", 'Connection: close', @fields,
    ($method eq 'POST' ? "Content-Length: $length" : ()), '', $body // '');
  local $/;
  return scalar <$socket>;
}

sub action {
  my ($path, $name, @arguments) = @_;
  my $inner = '';
  while (my ($argument, $value) = splice @arguments, 0, 2) { $inner .= "<$argument>$value</$argument>" }
  my $body = '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    . ' s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
    . "<u:$name xmlns:u=\"$type\">$inner</u:$name></s:Body></s:Envelope>";
  my $answer = request('POST', $path, $body, 'Content-Type: text/xml; charset="utf-8"', "SOAPACTION: \"$type#$name\"");
  die "$name: " . ($answer // 'no answer') . "\n" unless ($answer // '') =~ m{^HTTP/1.\d 200};
  return $answer;
}

my $description;
my $end = time + 5;
until ($description) {
  for my $path ('/description.xml', '/rootDesc.xml') {
    my $answer = request('GET', $path);
    $description = $answer if ($answer // '') =~ m{^HTTP/1.\d 200};
  }
  die "no description at $gateway\n" if time > $end;
  select undef, undef, undef, 0.01 unless $description;
}
my ($path) = $description =~ m{WANIPConnection:2</serviceType>.*?<controlURL>(.*?)</controlURL>}s
  or die "no WANIPConnection:2 in the description\n";

sub phase {
  my ($name, $body) = @_;
  my $before = time;
  $body->();
  printf "%s %.1f\n", $name, (time - $before) * 1000;
}

my @key = (NewRemoteHost => '', NewExternalPort => 0, NewProtocol => 'TCP');
sub key { my @own = @key; $own[3] = 20000 + shift; return @own }

phase(add => sub {
  for my $number (1 .. $count) {
    action($path, 'AddPortMapping', key($number), NewInternalPort => 1024 + $number, NewInternalClient => $own, NewEnabled => 1,
      NewPortMappingDescription => "mapping $number", NewLeaseDuration => 3600);
  }
});
phase(list => sub { action($path, 'GetGenericPortMappingEntry', NewPortMappingIndex => $_ - 1) for 1 .. $count });
# Some gateways cannot give so long a list.
eval { phase('list-at-once' => \&list_at_once); 1 } or print STDERR $@;
sub list_at_once {
  my $answer = action($path, 'GetListOfPortMappings', NewStartPort => 1, NewEndPort => 65535, NewProtocol => 'TCP', NewManage => 1,
    NewNumberOfPorts => 0);
  my $found = () = $answer =~ /<p:PortMappingEntry>/g;
  die "$found of $count mappings are listed\n" if $found != $count;
}
phase(remove => sub { action($path, 'DeletePortMapping', key($_)) for 1 .. $count });
