import LanguageKit
import Testing
import TopologyLanguage

/// Topologies with one fault each, and where and how it is told.
struct RefusedTopology: CustomTestStringConvertible, Sendable {
  /// `line:column: words`.
  var told: String
  var text: String
  var files: [String: String] = [:]
  var testDescription: String { told }

  init(_ told: String, _ text: String, files: [String: String] = [:]) {
    self.told = told
    self.text = text
    self.files = files
  }
}

@Suite struct RefusedTopologyTests {
  @Test(arguments: RefusedTopology.all) func oneFaultIsToldOnce(_ refused: RefusedTopology) {
    let (topology, diagnostics) = read(refused.text, files: refused.files)
    let errors = diagnostics.filter { $0.severity == .error }.map { error in
      "\(error.position.line):\(error.position.column): \(error.message)"
    }
    #expect(errors == [refused.told])
    #expect(topology == nil)
  }

  @Test(arguments: [
    (
      "home a\nnetwork lan 10.0.0.0/8\nhome-gateway g on lan on internet\nlink g.lan -- s.1\nswitch s on lan\nend",
      "home `a` has no configurator"
    ),
    ("home-gateway g on internet", "the gateway `g` stands on one network only"),
    (
      "host g on internet\ndhcp from 198.51.100.9 to 198.51.100.20\nhost h on internet address 198.51.100.20",
      "`198.51.100.20` lies in the range that DHCP gives"
    ),
  ])
  func warningsRefuseNothing(_ lines: String, _ warning: String) {
    let (topology, diagnostics) = read("topology x\nnetwork internet 198.51.100.0/24\n" + lines)
    #expect(diagnostics.map(\.message) == [warning])
    #expect(diagnostics.map(\.severity) == [.warning])
    #expect(topology != nil)
  }
}

extension RefusedTopology {
  /// A fault in a home, whose own lines begin in line 6.
  static func home(_ told: String, _ lines: String) -> RefusedTopology { RefusedTopology(told, inHome(lines)) }

  static let all: [RefusedTopology] = files + nodes + addresses + links

  static let files: [RefusedTopology] = [
    RefusedTopology("1:1: the file is empty", ""),
    RefusedTopology("1:1: unexpected `topologie`", "topologie x\n"),
    RefusedTopology("1:1: the file has no header", "network lan 10.0.0.0/8\n"),
    RefusedTopology("1:10: the topology is called `y`, its file `x`", "topology y\n"),
    RefusedTopology("1:10: a fragment is no topology", "fragment x\n"),
    RefusedTopology("2:9: `topologies/z.topology`: no such file", "topology x\ninclude \"z.topology\"\n"),
    RefusedTopology(
      "2:9: the file includes itself", "topology x\ninclude \"y.topology\"\n",
      files: ["topologies/y.topology": "fragment y\ninclude \"x.topology\"\n"]),
    RefusedTopology(
      "3:9: `y.topology` is included twice", "topology x\ninclude \"y.topology\"\ninclude \"y.topology\"\n",
      files: ["topologies/y.topology": "fragment y\n"]),
    RefusedTopology(
      "1:10: `topologies/y.topology` is a topology of its own", "topology x\ninclude \"y.topology\"\n",
      files: ["topologies/y.topology": "topology y\n"]),
    RefusedTopology("2:1: nothing is open that `end` could close", "topology x\nend\n"),
    RefusedTopology("2:1: unknown word `ponter`", "topology x\nponter\n"),
    RefusedTopology("2:1: `nat` belongs to no node", "topology x\nnat hairpin yes\n"),
    RefusedTopology("2:6: `Home` is not a name", "topology x\nhome Home\nend\n"),
  ]

  static let nodes: [RefusedTopology] = [
    .home("6:4: `tv_1` is not a name", "ce tv_1 on lan"),
    .home("6:4: `last` is a reserved word", "ce last on lan"),
    .home(
      "6:4: the node's name has 64 characters",
      "ce \(String(repeating: "a", count: 64)) on lan\nlink \(String(repeating: "a", count: 64)) -- sw.3"),
    .home("6:4: the name `hg` is taken", "ce hg on lan"),
    .home("6:4: the name `lan` is taken", "ce lan on lan"),
    .home("6:6: the range `[3..1]` is empty", "ce tv[3..1] on lan\nlink tv1 -- sw.3"),
    .home("6:4: `tv` is on no network", "ce tv\nlink tv -- sw.3"),
    .home("6:10: unknown network `lna`", "ce tv on lna\nlink tv -- sw.3"),
    .home("6:17: `tv` is on `lan` twice", "ce tv on lan on lan\nlink tv.lan -- sw.3"),
    .home("6:14: unexpected `adress`", "ce tv on lan adress auto\nlink tv -- sw.3"),
    .home("6:7: `address` before `on`", "ce tv address auto on lan\nlink tv -- sw.3"),
    .home("6:24: 0 is out of range", "switch s on lan ports  0"),
    .home("6:22: `ports` on a ce", "ce tv on lan ports   4\nlink tv -- sw.3"),
    .home("6:14: `htip` on a ce", "ce tv on lan htip\nlink tv -- sw.3"),
    .home("6:22: unexpected `ports`", "switch s on lan htip ports 4"),
    .home("7:1: `nat` on a ce", "ce tv on lan\nnat hairpin yes\nlink tv -- sw.3"),
    .home(
      "7:5: unexpected `maping`", "home-gateway s on lan on internet\nnat maping address-dependent\nlink s.lan -- sw.3"),
    .home("7:1: `device` on a hub", "hub h on lan\ndevice oui 000000"),
    .home("7:12: `12` is no OUI", "ce tv on lan\ndevice oui 12\nlink tv -- sw.3"),
    .home("7:16: a second `model`", "ce tv on lan\ndevice model a model b\nlink tv -- sw.3"),
    .home("7:23: 70000 is out of range", "ce tv on lan\napplication media tcp 70000\nlink tv -- sw.3"),
    .home("8:13: a second application `a`", "ce tv on lan\napplication a tcp 1\napplication a tcp 2\nlink tv -- sw.3"),
    .home("8:13: port tcp 1 is used twice", "ce tv on lan\napplication a tcp 1\napplication b tcp 1\nlink tv -- sw.3"),
    .home(
      "7:9: a ce has no setting `nat.mapping`", "ce tv on lan\nsetting nat.mapping = address-dependent\nlink tv -- sw.3"
    ),
    .home(
      "7:31: `1` is no value of `server-registration`",
      "configurator c on lan\nsetting server-registration = 1\nlink c -- sw.3"),
    .home("7:9: `tv` has no application `x`", "ce tv on lan\nsetting remote-access.x = true\nlink tv -- sw.3"),
    .home(
      "7:1: the DHCP range lies outside the node's networks",
      "host h on lan\ndhcp from 10.0.0.1 to 10.0.0.9\nlink h -- sw.3"),
    .home(
      "7:27: the range ends before it starts", "host h on lan\ndhcp from 192.168.10.9 to 192.168.10.1\nlink h -- sw.3"),
    .home("6:13: `Lan` is not a name", "ce  tv  on  Lan 10.0.0.0/8"),
    RefusedTopology(
      "3:1: `home a` has no `end`",
      "topology x\nnetwork internet 198.51.100.0/24\nhome a\nnetwork lan 10.0.0.0/8\nhome-gateway g on internet on lan\n"
        + "configurator c on lan\nswitch s on lan\nlink g.lan -- s.1\nlink c -- s.2\n"),
    RefusedTopology(
      "2:6: home `a` has no gateway",
      "topology x\nhome a\nnetwork lan 10.0.0.0/8\nconfigurator c on lan\nlink c -- s.1\nswitch s on lan\nend\n"),
    RefusedTopology(
      "4:4: more than 4096 nodes", "topology x\nnetwork a 10.0.0.0/8\nce c[1..4000] on a\nce b[1..97] on a\n"),
  ]

  static let addresses: [RefusedTopology] = [
    .home("6:13: `10.1.0.0/8` has host bits", "network net 10.1.0.0/8"),
    .home("6:13: unexpected `10.0.0.0`", "network net 10.0.0.0"),
    .home("6:13: not an address and a prefix length", "network net 10.0.0.0/33"),
    .home("6:13: `192.168.0.0/16` overlaps `lan`", "network net 192.168.0.0/16"),
    .home("6:14: `192.168.10.0/24` overlaps `lan`", "network lan2 192.168.10.0/24"),
    // Of the three, the last two overlap the first.
    RefusedTopology(
      "4:11: `10.3.0.0/16` overlaps `a`",
      "topology x\nnetwork a 10.0.0.0/8\nnetwork b 11.0.0.0/8\nnetwork c 10.3.0.0/16\n"),
    RefusedTopology("3:11: `fd00::/16` overlaps `a`", "topology x\nnetwork a fd00::/64\nnetwork b fd00::/16\n"),
    .home(
      "6:35: `g` stands in two networks that overlap: `internet` and `near`",
      "home-gateway g on internet     on near\nnetwork near 198.51.100.128/25\nswitch s2 on near\nlink g.near -- s2.1"),
    .home("6:22: `192.168.11.1` lies outside `lan`", "ce tv on lan address 192.168.11.1\nlink tv -- sw.3"),
    .home("6:22: `fe80::1` lies outside `lan`", "ce tv on lan address fe80::1\nlink tv -- sw.3"),
    .home(
      "6:22: `192.168.10.255` is the network's own or its broadcast address",
      "ce tv on lan address 192.168.10.255\nlink tv -- sw.3"),
    .home(
      "7:22: `192.168.10.9` is used twice in `lan`",
      "ce a1 on lan address 192.168.10.9\nce b1 on lan address 192.168.10.9\nlink a1 -- sw.3\nlink b1 -- sw.4"),
    .home(
      "6:28: `192.168.10.9` is used twice in `lan`",
      "ce c[1..2] on lan  address 192.168.10.9\nlink c[1..2] -- sw.[3..4]"),
    .home(
      "7:18: the MAC address `02:00:00:00:00:21` is used twice in `lan`",
      "ce a1 on lan mac 02:00:00:00:00:21\nce b1 on lan mac 02:00:00:00:00:21\nlink a1 -- sw.3\nlink b1 -- sw.4"),
    .home("6:18: `ff:ff:ff:ff:ff:ff` is no node's address", "ce tv on lan mac ff:ff:ff:ff:ff:ff\nlink tv -- sw.3"),
    .home("12:10: the network `lan` belongs to home `a`", "").outside("ce tv on lan"),
    RefusedTopology(
      "4:6: no address is free in `s`", "topology x\nnetwork s 10.0.0.0/30\nhost a on s\nhost b[1..2] on s\n"),
  ]

  static let links: [RefusedTopology] = [
    .home("6:10: `tv` has no link in `lan`", "ce tv on lan"),
    .home("6:6: unknown node `tv`", "link tv -- sw.3"),
    .home("6:15: `sw` has no port 9", "link s.1 --   sw.9\nswitch s on lan"),
    .home("8:16: port `sw.1` is used twice", "ce tv on lan\nlink tv -- sw.1"),
    .home("7:6: `sw` is no port", "ce tv on lan\nlink sw -- tv"),
    .home("7:6: `tv` has no ports", "ce tv on lan\nlink tv.1 -- sw.3"),
    .home("6:6: `hg` has 2 interfaces", "link hg -- sw.3"),
    .home("8:6: `tv` has a link already", "ce tv on lan\nlink tv -- sw.3\nlink tv -- sw.4"),
    .home("6:14: `sw` is linked to itself", "link sw.3 -- sw.4"),
    .home("7:18: `tv[1..2]` is 2, `sw.[3..5]` is 3", "ce tv[1..2] on lan\nlink tv[1..2] -- sw.[3..5]"),
    .home("8:12: `tv` is in `lan2`, `sw.3` in `lan`", "network lan2 10.0.0.0/8\nce tv on lan2\nlink tv -- sw.3"),
    .home("7:25: `cfg` is no end of the link", "ce tv on lan\nlink tv -- sw.3 towards cfg delay 1ms"),
    .home("7:27: unexpected the end of the line", "ce tv on lan\nlink tv -- sw.3 towards tv"),
    .home("7:22: a rate of zero", "ce tv on lan\nlink tv -- sw.3 rate 0kbit"),
    .home("7:27: a second `delay`", "ce tv on lan\nlink tv -- sw.3 delay 1ms delay 2ms"),
    .home("7:12: a topology has no variables", "ce tv on lan\nlink tv -- $x"),
  ]

  /// The same with a line behind the home.
  private func outside(_ line: String) -> RefusedTopology { RefusedTopology(told, text + line + "\n", files: files) }
}
