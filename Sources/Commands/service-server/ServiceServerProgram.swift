import ArgumentParser
import Messages
import RoleHost
import RoleKit
import ServiceServerRole

@main
struct ServiceServerProgram: RoleProgram {
  static let configuration = CommandConfiguration(
    commandName: "service-server",
    abstract: "The service server: knows the homes, their agents and the configurations that these are to have.",
    discussion: """
      Example, on a loopback address:
        service-server --address 127.0.0.1 --token-file tokens.json
      where the token file holds {"operatorToken": "...", "homes": {"home": {"homeToken": "...", "userToken": "..."}}}.
      Each flag has a variable, such as HOMEBED_TOKEN_FILE for --token-file. `ready` is printed when it works.
      """,
    version: programVersion)

  @OptionGroup var common: HostOptions

  @Option(help: ArgumentHelp("The two UDP ports of STUN. Default: 3478,3479.", valueName: "port,port"))
  var stunPorts: String?

  @Option(
    help: ArgumentHelp(
      "A second address of this machine, with which STUN tells all of RFC 5780; needs --address.", valueName: "address")
  )
  var stunAddress2: String?

  @Option(
    help: ArgumentHelp("How long a mobile device's connection is given. Default: 300.", valueName: "seconds"))
  var connectionLifetime: String?

  @Option(
    help: ArgumentHelp(
      "Networks that a configurator may have probed beside its home's own address (4.6.4).",
      valueName: "network,network"))
  var probeAllow: String?

  func run() async throws {
    var common = try common.read(
      program: "service-server", defaultPort: DefaultPort.serviceServer, speaksSSDP: false)
    var homes: [String: HomeTokens] = [:]
    for (id, home) in common.tokens.homes {
      guard let homeToken = home.homeToken, let userToken = home.userToken else {
        throw HostError.usage("the token file lacks homeToken or userToken of the home \(id)")
      }
      homes[id] = HomeTokens(homeToken: homeToken, userToken: userToken)
    }
    if common.tokens.operatorToken == nil {
      common.host.log.warning("no operatorToken in a token file: nobody may provision homes or configurations")
    }
    var settings = ServiceServerSettings(
      operatorToken: common.tokens.operatorToken, homes: homes, hostNames: common.hostNames,
      stun: try stun(&common))
    if let value = OptionValue.find("probe-allow", flag: probeAllow) {
      settings.probeAllowed = try value.text.split(separator: ",").map { part throws(HostError) in
        guard let network = CIDR(part) else { throw value.wrong("networks such as 192.0.2.0/24") }
        return network
      }
    }
    let lifetime =
      OptionValue.find("connection-lifetime", flag: connectionLifetime) ?? common.setting("connection-lifetime")
    if let lifetime { settings.connectionLifetime = try lifetime.number(1...86_400) }
    try await Self.host(ServiceServer(settings: settings), common, tables: ServiceServerTables.all)
  }

  private func stun(_ common: inout CommonSettings) throws(HostError) -> STUNServerSettings {
    var stun = STUNServerSettings()
    if let value = OptionValue.find("stun-ports", flag: stunPorts) {
      let ports = value.text.split(separator: ",", omittingEmptySubsequences: false).compactMap { UInt16($0) }
      guard ports.count == 2, !ports.contains(0), ports[0] != ports[1], value.text.filter({ $0 == "," }).count == 1
      else {
        throw value.wrong("two different ports such as 3478,3479")
      }
      (stun.port, stun.otherPort) = (ports[0], ports[1])
    }
    guard let value = OptionValue.find("stun-address2", flag: stunAddress2) else { return stun }
    guard let first = common.ownAddress else {
      throw .usage("\(value.place) \"\(value.text)\" needs --address, the first of the two")
    }
    guard let addresses = STUNServerSettings.AddressPair(first, try value.address()) else {
      throw value.wrong("another address than \(first)")
    }
    stun.addresses = addresses
    common.host.add(addresses.second)
    return stun
  }
}
