import ArgumentParser
import HomeGatewayRole
import LinuxNetwork
import Messages
import RoleHost
import RoleKit
import Translation

@main
struct HomeGatewayProgram: RoleProgram {
  static let configuration = CommandConfiguration(
    commandName: "home-gateway",
    abstract: "The home gateway: forwards IPv4, masquerades what leaves the home, and maps ports by UPnP IGD:2.",
    discussion: """
      Example, on a machine with a cable to the Internet at eth0 and a home at eth1 (needs root and nft):
        home-gateway --outside eth0 --inside eth1 --control-point 192.168.10.2
      Each flag has a variable, such as HOMEBED_OUTSIDE for --outside; HOMEBED_INTERFACES, a JSON array of objects
      with name and outside (true or false), stands for both. On a loopback address (--address 127.0.0.2) nothing is
      translated, and the gateway is not found by SSDP. `ready` is printed when it works. SIGTERM takes the
      translation away; mappings come back at the next start, until their leases end.
      """,
    version: programVersion)

  @OptionGroup var common: HostOptions

  @Option(help: ArgumentHelp("The interface towards the Internet. Repeatable.", valueName: "name"))
  var outside: [String] = []

  @Option(help: ArgumentHelp("The interface of the home. Repeatable.", valueName: "name"))
  var inside: [String] = []

  @OptionGroup var nat: NATOptions

  @Option(
    help: ArgumentHelp(
      "Who may map ports to any host of the home. Repeatable; HOMEBED_CONTROL_POINTS takes a list with commas.",
      valueName: "address"))
  var controlPoint: [String] = []

  @Option(
    help: ArgumentHelp("The UDP port of echo (RFC 862); 0: none. Default: \(DefaultPort.echo).", valueName: "port"))
  var echoPort: String?

  @Option(
    help: ArgumentHelp("The UUID of the root device. Default: one that is made once and kept.", valueName: "uuid"))
  var gatewayId: String?

  func run() async throws {
    let sides = try InterfaceSides.read(outside: outside, inside: inside, address: common.givenAddress)
    var common = try common.read(
      program: "home-gateway", defaultPort: DefaultPort.gateway, speaksSSDP: !sides.isOnLoopback)
    if !sides.isOnLoopback { common.host.network = .named(sides.outside + sides.inside, preferred: nil) }
    common.host.silentInterfaces = Set(sides.outside)
    let id = try OptionValue.find("gateway-id", flag: gatewayId)?.uuid()
    var settings = HomeGatewaySettings(uuid: try id ?? common.state.identifier(), outside: Set(sides.outside))
    if let name = common.node { settings.friendlyName = name }
    settings.httpPort = common.httpPort
    settings.hostNames = common.hostNames
    settings.ssdpGroup = common.ssdpGroup
    settings.ssdpMaxDelay = common.ssdpMaxDelay
    settings.translates = !sides.isOnLoopback
    settings.controlPoints = try controlPoints()
    if let value = OptionValue.find("echo-port", flag: echoPort) {
      let port = try value.number(0...65_535)
      settings.echoPort = port == 0 ? nil : UInt16(port)
    }
    let gateway = HomeGateway(settings: settings)
    guard settings.translates else {
      return try await Self.host(gateway, common, tables: GatewayTables.all)
    }
    do {
      let translator = try translator(sides, common)
      try translator.start()
      defer { translator.stop() }
      try await Self.host(gateway, common, tables: GatewayTables.all, portMapper: translator)
    } catch let error as SystemError {
      throw HostError.failed("\(error)")
    }
  }

  private func translator(_ sides: InterfaceSides, _ common: CommonSettings) throws(HostError) -> Translator {
    var settings = Translator.Settings(
      outside: sides.outside, inside: sides.inside,
      behaviour: try nat.behaviour(
        settings: try OptionValue.find("settings", flag: nil)?.json("a JSON object") { $0.object }))
    settings.pace = common.host.pace
    settings.ownPorts.insert(common.ssdpGroup.port)
    let log = common.host.log
    return Translator(settings) { log.warning("translation: \($0)") }
  }

  private func controlPoints() throws(HostError) -> Set<IPAddress> {
    var result: Set<IPAddress> = []
    for value in OptionValue.list("control-point", flags: controlPoint, variable: "HOMEBED_CONTROL_POINTS") {
      result.insert(try value.address())
    }
    return result
  }
}
