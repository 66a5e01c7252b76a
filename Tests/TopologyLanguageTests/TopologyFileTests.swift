import LanguageKit
import Testing
import TopologyLanguage

/// Reads a topology called `x` from text, beside other files.
func read(_ text: String, files: [String: String] = [:]) -> (topology: Topology?, diagnostics: [Diagnostic]) {
  let all = files.merging(["topologies/x.topology": text]) { $1 }
  return TopologyFile.read("topologies/x.topology", loader: SourceLoader(files: all))
}

/// A home around the lines of a test, which begin in line 6.
func inHome(_ lines: String) -> String {
  """
  topology x
  network internet 198.51.100.0/24
  home a
  network lan 192.168.10.0/24
  home-gateway hg on internet on lan
  \(lines)
  link hg.lan -- sw.1
  switch sw on lan
  configurator cfg on lan
  link cfg -- sw.2
  end

  """
}

@Suite struct TopologyFileTests {
  @Test func aHomeIsResolvedWhole() throws {
    let (topology, diagnostics) = read(
      """
      topology x "One home"
      network internet 198.51.100.0/24
      service-server server on internet address 198.51.100.10
        dns "time.example" 198.51.100.10
      home home-a
        network lan 192.168.10.0/24
        home-gateway hg on internet on lan
          nat mapping address-dependent hairpin yes
          nat filtering endpoint-independent
          dhcp from 192.168.10.10 to 192.168.10.12 lease 1min
        configurator cfg on lan address auto
          setting server-registration = false
        host laptop on lan
        service-server inner on lan
        switch sw1 on lan ports 4 mac 02:00:00:00:00:01 address 192.168.10.200 htip
        access-point ap1 on lan
        ce tv on lan address 192.168.10.13 mac 02:00:00:00:00:21
          device category AV_TV,"X Y" oui 02CE01 model TV_1
          device serial "S1"
          application media tcp 8200 remote
        ce lamp[2..3] on lan address auto
        link hg.lan -- sw1.1
        link cfg -- sw1.2
        link laptop -- ap1.radio
        link inner -- ap1.radio
        link tv -- sw1.3 rate 100mbit delay 2ms jitter 1ms loss 0.1% towards tv duplicate 1%
        link ap1.1 -- sw1.4
        link lamp[2..3] -- ap1.radio
      end
      """)
    #expect(diagnostics.map { $0.rendered() } == [])
    let home = try #require(topology)
    #expect(home.title == "One home")
    let hg = try #require(home.node(named: "hg"))
    #expect(hg.interfaces.map { $0.address?.description } == ["198.51.100.11/24", "192.168.10.1/24"])
    #expect(hg.nat.mapping == .addressDependent && hg.nat.filtering == .endpointIndependent && hg.nat.hairpin)
    #expect(hg.interfaces.map(\.gateway) == [nil, nil])
    #expect(hg.interfaces[0].mac != hg.interfaces[1].mac)
    let tv = try #require(home.node(named: "tv"))
    #expect(tv.interfaces[0].gateway?.description == "192.168.10.1")
    #expect(tv.device == Device(categories: ["AV_TV", "X Y"], oui: "02CE01", model: "TV_1", number: "1", serial: "S1"))
    #expect(tv.applications == [Application(name: "media", transport: .tcp, port: 8200, isRemote: true)])
    // Addresses that are taken, or that DHCP gives, are passed over.
    #expect(home.node(named: "cfg")?.interfaces[0].address?.description == "192.168.10.14/24")
    #expect(home.node(named: "lamp3")?.interfaces[0].address?.description == "192.168.10.17/24")
    // Devices and machines that the file gives no address get it by DHCP, and their gateway with it.
    let laptop = try #require(home.node(named: "laptop"))
    #expect(laptop.interfaces[0].address == nil && laptop.interfaces[0].gateway == nil)
    #expect(home.node(named: "inner")?.interfaces[0].address?.description == "192.168.10.15/24")
    #expect(home.node(named: "lamp3")?.device.serial == "lamp3")
    let sw1 = try #require(home.node(named: "sw1"))
    #expect(sw1.ports == 4 && sw1.speaksHTIP && sw1.segment == "home-a.lan" && sw1.interfaces.isEmpty)
    #expect(sw1.mac.description == "02:00:00:00:00:01" && sw1.managementAddress?.description == "192.168.10.200/24")
    #expect(
      home.links.map(\.name) == [
        "hg.lan--sw1.1", "cfg--sw1.2", "laptop--ap1.radio", "inner--ap1.radio", "tv--sw1.3", "ap1.1--sw1.4",
        "lamp2--ap1.radio", "lamp3--ap1.radio",
      ])
    #expect(
      home.links[4].qualities == [
        LinkQuality(kind: .rate(100_000_000), towards: nil), LinkQuality(kind: .delay(2_000_000), towards: nil),
        LinkQuality(kind: .jitter(1_000_000), towards: nil), LinkQuality(kind: .loss(0.001), towards: nil),
        LinkQuality(kind: .duplicate(0.01), towards: "tv"),
      ])
    #expect(home.attachments.filter { $0.link == nil }.map(\.name) == ["server--internet", "hg--internet"])
    #expect(home.node(named: "cfg")?.settings.map(\.value) == ["false"])
  }

  @Test func namesAreBareWhereTheyAreUnique() throws {
    let text = """
      topology x
      network internet 198.51.100.0/24
      home-gateway isp on internet on carrier
      network carrier 100.64.0.0/10
      home a
        include "home.topology"
      end
      home b
        include "home.topology"
        ce only on lan
        link only -- sw.4
      end
      """
    let home = """
      fragment home
      network lan 192.168.10.0/24
      home-gateway hg on carrier on lan
      configurator cfg on lan
      switch sw on lan
      ce tv on lan
      link hg.lan -- sw.1
      link cfg -- sw.2
      link tv -- sw.3
      """
    let (topology, diagnostics) = read(text, files: ["topologies/home.topology": home])
    #expect(diagnostics.map { $0.rendered() } == [])
    let both = try #require(topology)
    #expect(
      both.nodes.map(\.name) == ["isp", "a.hg", "a.cfg", "a.sw", "a.tv", "b.hg", "b.cfg", "b.sw", "b.tv", "only"])
    #expect(both.links.first?.name == "a.hg.lan--a.sw.1")
    // Double NAT: the carrier's network has a gateway of its own.
    #expect(both.node(named: "a.hg")?.interfaces[0].gateway?.description == "100.64.0.1")
    let names = TopologyNames(both)
    func meaning(_ parts: Reference.Part...) throws -> TopologyNames.Meaning {
      try names.resolve(Reference(parts: parts, position: Position(file: "t", line: 1, column: 1)))
    }
    #expect(throws: Fault.self) { try meaning(.name("tv")) }
    guard case .node(let tv) = try meaning(.name("a"), .name("tv")) else { return #expect(Bool(false)) }
    #expect(tv.qualifiedName == "a.tv")
    #expect(try meaning(.name("b"), .name("sw"), .number(4)) == .port(try #require(both.node(named: "b.sw")), 4))
    #expect(try meaning(.name("only"), .name("mac")) == .property(try #require(both.node(named: "only")), .mac))
    #expect(try meaning(.name("a"), .name("hg"), .name("lan")) == .interface(try #require(both.node(named: "a.hg")), 1))
    #expect(try meaning(.name("isp"), .name("wan-address")) == .property(both.nodes[0], .wanAddress))
    #expect(names.value(of: .wanAddress, both.nodes[0])?.description == "198.51.100.10")
    #expect(names.value(of: .wanAddress, tv) == nil)
    #expect(throws: Fault.self) { try meaning(.name("only"), .name("ports")) }
    #expect(throws: Fault.self) { try meaning(.name("isp"), .number(1)) }
  }

  @Test func linksAreFoundBetweenTheirEnds() throws {
    let names = TopologyNames(try #require(read(inHome("ce tv on lan\nlink tv -- sw.3")).topology))
    func find(_ a: [Reference.Part], _ b: [Reference.Part]) throws -> LinkMeaning {
      let place = Position(file: "t", line: 1, column: 1)
      return try names.link(between: Reference(parts: a, position: place), Reference(parts: b, position: place))
    }
    #expect(try find([.name("tv")], [.name("sw"), .number(3)]) == .link(0))
    #expect(try find([.name("sw")], [.name("tv")]) == .link(0))
    #expect(try find([.name("hg"), .name("lan")], [.name("sw")]) == .link(1))
    #expect(try find([.name("hg")], [.name("internet")]) == .place(node: "hg", interface: 0))
    #expect(throws: Fault.self) { try find([.name("tv")], [.name("sw"), .number(4)]) }
    #expect(throws: Fault.self) { try find([.name("tv")], [.name("hg")]) }
  }

  @Test func manyErrorsAreToldAtOnceAndOnlyOnce() {
    let (topology, diagnostics) = read(
      """
      topology x
      network internet 198.51.100.0/24
      home a
      network lan 192.168.10.1/24
      home-gatway hg on internet on lan
      configurator cfg on lan addres 192.168.10.2
      swich sw on lan
      ce tv on lan address 10.0.0.1
      link hg.lan -- sw.1
      link cfg - sw.2
      link tv -- sw.3 dely 1ms
      """)
    #expect(topology == nil)
    #expect(
      diagnostics.map { "\($0.position.line):\($0.position.column): \($0.message)" } == [
        "3:1: `home a` has no `end`", "4:13: `192.168.10.1/24` has host bits", "5:1: unknown word `home-gatway`",
        "6:25: unexpected `addres`", "7:1: unknown word `swich`", "8:22: `10.0.0.1` lies outside `lan`",
        "10:10: no statement has this character here", "11:17: unexpected `dely`",
      ])
    #expect(diagnostics.compactMap(\.hint).contains("did you mean `switch`?"))
  }

  @Test func aFragmentIsCheckedAsFarAsItGoesOnItsOwn() {
    func check(_ text: String) -> [String] {
      TopologyFile.check("topologies/x.topology", loader: SourceLoader(files: ["topologies/x.topology": text]))
        .map { "\($0.position.line):\($0.position.column): \($0.message)" }
    }
    // What it lacks comes from the file that takes it in.
    #expect(check("fragment x\nhome-gateway hg on internet on lan\nnetwork lan 10.0.0.0/8\n") == [])
    #expect(
      check("fragment y\nswich sw on lan\n") == [
        "1:10: the fragment is called `y`, its file `x`", "2:1: unknown word `swich`",
      ])
    #expect(check("topology x\nce tv on lan\n") == ["2:10: unknown network `lan`"])
  }
}
