#!/usr/bin/perl
# Fails on an import against the layers: every `import` in Sources/ must be declared by its target in Package.swift and
# allowed by the target's layer. Run from the top of the repo.
use strict;
use warnings;

# What the targets of a layer may import, as layer names, target names and outside modules. Arrows run down.
my %allowed = (
  Wire     => [qw(Wire Synchronization)],
  Messages => [qw(Wire Messages Synchronization)],
  Roles    => [qw(RoleKit Messages)],
  Platform => [qw(Platform Glibc Synchronization)],
  Edges    => [
    qw(Edges Platform RoleKit Messages Taps Packets Octets Glibc Dispatch Foundation FoundationEssentials Synchronization ArgumentParser Logging
      NIOCore NIOPosix NIOHTTP1 GRDB)
  ],
  Testbed  => [qw(Testbed Platform Messages Wire Glibc Dispatch Foundation FoundationEssentials Synchronization)],
  Commands => [
    qw(Testbed Edges Platform Roles Messages Wire ArgumentParser Logging Glibc Foundation FoundationEssentials
      Synchronization)
  ],
);
# Sources that stay free of the outside world whatever their layer.
my %pure = map { $_ => 1 } qw(LanguageKit TopologyLanguage Drawings ScenarioLanguage TraceChecker);
# Modules of the toolchain; all others must be declared in the manifest.
my %toolchain = map { $_ => 1 } qw(Foundation FoundationEssentials Glibc Synchronization Dispatch);
open my $manifest, '<', 'Package.swift' or die "Package.swift: $!\n";
my $text = do { local $/; <$manifest> };
my (%layer, %declared);
while ($text =~ /\.(library|program)(\((?:[^()]++|(?2))*\))/g) {
  my ($kind, $body) = ($1, $2);
  $body =~ s/package: "[^"]*"//g;
  my @names = $body =~ /"([^"]+)"/g;
  push @names, 'ArgumentParser' if $body =~ /\barguments\b/;
  push @names, 'Logging' if $body =~ /\blogging\b/;
  next if $body =~ /^\(_/;
  my $of = $kind eq 'library' ? shift @names : 'Commands';
  my $name = shift @names // next;
  ($layer{$name}, $declared{$name}) = ($of, { map { $_ => 1 } @names });
}
$layer{CLinux} = 'Platform';

my ($faults, $files) = (0, 0);
sub fault { my ($where, $words) = @_; print STDERR "$where: error: $words\n"; $faults++ }

for my $file (sort split /\n/, `find Sources -name '*.swift'`) {
  my ($folder, $target) = $file =~ m{^Sources/([^/]+)/([^/]+)/} or next;
  $files++;
  if (!$layer{$target} || $layer{$target} ne $folder) {
    fault($file, "lies in $folder/$target, which Package.swift does not declare there");
    next;
  }
  open my $source, '<', $file or die "$file: $!\n";
  while (my $line = <$source>) {
    my ($module) = $line =~ /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:public\s+|package\s+|internal\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)/ or next;
    my $where = "$file:$.";
    my $at = $layer{$module} // $module;
    my @may = @{ $allowed{$folder} };
    @may = grep { !/^(Foundation|FoundationEssentials|Glibc|Dispatch|Platform)$/ } @may if $pure{$target};
    if (!grep { $_ eq $module || $_ eq $at } @may) {
      fault($where, "$folder may not import $module; it may import: @may");
    } elsif (!$toolchain{$module} && !$declared{$target}{$module}) {
      fault($where, "$target imports $module, which its target in Package.swift does not declare");
    }
  }
}
die "layers: no Swift files found under Sources; run this from the top of the repo\n" unless $files;
exit 1 if $faults;
print "layers: $files files, every import runs down\n";
