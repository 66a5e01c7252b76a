import ArgumentParser
import Logging
import Messages
import RoleKit
import Transports

/// The flags that every role program has. Each has a variable of the same name, such as HOMEBED_HTTP_PORT.
public struct HostOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The name of this node, for its logs.", valueName: "name"))
  var node: String?

  @Option(
    help: ArgumentHelp(
      "The address to use: one of this machine's, or any of 127.0.0.0/8. Default: those of --interface.",
      valueName: "address"))
  var address: String?

  @Option(help: ArgumentHelp("The subnet of a loopback address. Default: 24.", valueName: "0..32"))
  var prefixLength: String?

  @Option(help: ArgumentHelp("The network interface. Default: that of the default route.", valueName: "name"))
  var interface: String?

  @Option(help: ArgumentHelp("The default gateway, where the address is a loopback one.", valueName: "address"))
  var gateway: String?

  @Option(help: ArgumentHelp("The MAC address to tell, where the address is a loopback one.", valueName: "mac"))
  var mac: String?

  @Option(help: ArgumentHelp("The TCP port to listen on.", valueName: "port"))
  var httpPort: String?

  @Option(help: ArgumentHelp("A further name that requests may carry in Host. Repeatable.", valueName: "name"))
  var hostName: [String] = []

  @Option(
    help: ArgumentHelp(
      "The folder for what survives a restart. Default: ~/.local/state/homebed/PROGRAM.", valueName: "folder"))
  var stateDir: String?

  @Option(
    help: ArgumentHelp(
      "A JSON file with the tokens: operatorToken, homeToken, userToken, homes.{homeId}.homeToken and .userToken.",
      valueName: "file"))
  var tokenFile: String?

  @Option(help: ArgumentHelp("The multicast group of SSDP. Default: 239.255.255.250.", valueName: "address"))
  var ssdpGroup: String?

  @Option(help: ArgumentHelp("The UDP port of SSDP. Default: 1900.", valueName: "port"))
  var ssdpPort: String?

  @Option(
    help: ArgumentHelp("The longest wait before a search is answered. Default: as its MX says.", valueName: "seconds"))
  var ssdpMaxDelay: String?

  @Option(help: ArgumentHelp("How many times as fast as the clock the time runs. Default: 1.", valueName: "factor"))
  var pace: String?

  @Option(
    help: ArgumentHelp(
      "The least severe log lines to write to standard error: debug, info, notice, warning, error. Default: info.",
      valueName: "level"))
  var logLevel: String?

  public init() {}
}

/// The flags and variables that every role program has, read and checked.
public struct CommonSettings: Sendable {
  public var program: String
  public var node: String?
  public var host: HostSettings
  public var httpPort: UInt16
  public var hostNames: [String]
  public var ssdpGroup: Endpoint
  /// Nanoseconds.
  public var ssdpMaxDelay: UInt64?
  public var state: StateFolder
  public var tokens: TokenFile
  /// HOMEBED_SETTINGS: values by key, such as `register-lifetime`.
  public var extra: [String: JSONValue]
  /// The address that --address names, where it was given.
  public var ownAddress: IPAddress?
}

extension HostOptions {
  /// The value of `--address`, or of its variable.
  public var givenAddress: OptionValue? { OptionValue.find("address", flag: address) }

  /// Reads everything, and makes the state folder.
  ///
  /// - Parameters:
  ///   - program: the program's name, such as `ce-agent`.
  ///   - speaksSSDP: whether the role sends and hears SSDP.
  ///   - use: with `unused` no state folder is made.
  /// - Throws: ``HostError`` with the first value that is wrong.
  public func read(
    program: String, defaultPort: UInt16, speaksSSDP: Bool, state use: StateFolder.Use = .kept
  ) throws(HostError) -> CommonSettings {
    let group = try OptionValue.find("ssdp-group", flag: ssdpGroup).map { value throws(HostError) in
      let address = try value.address()
      guard address.isMulticast else { throw value.wrong("a multicast address such as 239.255.255.250") }
      return address
    }
    let port = try OptionValue.find("ssdp-port", flag: ssdpPort)?.port()
    let ssdp = Endpoint(group ?? ProfileNames.ssdpGroup, port ?? ProfileNames.ssdpPort)
    let http = try OptionValue.find("http-port", flag: httpPort)?.port() ?? defaultPort
    let name = OptionValue.find("node", flag: node)?.text
    let speed = try OptionValue.find("pace", flag: pace)?.pace() ?? 1
    var host = HostSettings(
      network: try network(), httpPort: http, ssdp: speaksSSDP ? ssdp : nil, pace: speed,
      log: try HostOptions.log(name ?? program, level: logLevel))
    // Set by a runner; nothing for people to give.
    host.tap = OptionValue.find("tap", flag: nil)?.text
    host.node = name ?? program
    let delay = try OptionValue.find("ssdp-max-delay", flag: ssdpMaxDelay)?.seconds(0...120)
    let extra = try OptionValue.find("settings", flag: nil)?.json("a JSON object") { $0.object }
    let names = OptionValue.find("host-name", flag: nil)?.text.split(separator: ",").map(String.init) ?? []
    return CommonSettings(
      program: program, node: name, host: host, httpPort: http, hostNames: hostName.isEmpty ? names : hostName,
      ssdpGroup: ssdp, ssdpMaxDelay: delay,
      state: try StateFolder(OptionValue.find("state-dir", flag: stateDir)?.text, program: program, use),
      tokens: try TokenFile(OptionValue.find("token-file", flag: tokenFile)),
      extra: Dictionary(extra?.members.map { ($0.name, $0.value) } ?? [], uniquingKeysWith: { $1 }),
      ownAddress: try OptionValue.find("address", flag: address)?.address())
  }

  /// A log on standard error; `level` is what --log-level gave.
  public static func log(_ label: String, level: String?) throws(HostError) -> Logger {
    var log = Logger(label: label, factory: { StreamLogHandler.standardError(label: $0) })
    if let value = OptionValue.find("log-level", flag: level) {
      guard let level = Logger.Level(rawValue: value.text.lowercased()) else {
        throw value.wrong("debug, info, notice, warning or error")
      }
      log.logLevel = level
    }
    return log
  }

  private func network() throws(HostError) -> HostSettings.Network {
    let given = OptionValue.find("address", flag: address)
    let own = try given?.address()
    let named = OptionValue.find("interface", flag: interface)?.text
    // With an interface or an address by flag, the list of the environment does not count.
    var listed: [ListedInterface] = []
    if interface == nil, address == nil {
      listed = try OptionValue.find("interfaces", flag: nil)?.json(ListedInterface.expected, ListedInterface.read) ?? []
    }
    if let own, own.isLoopback {
      let length = try OptionValue.find("prefix-length", flag: prefixLength)?.number(0...32) ?? 24
      let router = try OptionValue.find("gateway", flag: gateway)?.address()
      let mac = try OptionValue.find("mac", flag: mac)?.macAddress()
      guard listed.count > 1 else {
        return .fixed([
          .init(
            name: named ?? "lo", isUp: true, macAddress: mac, addresses: [CIDR(own, prefixLength: length)],
            defaultGateway: router, dnsServers: [])
        ])
      }
      return .fixed(
        listed.map {
          .init(
            name: $0.name, isUp: true, macAddress: $0.mac, addresses: $0.address.map { [$0] } ?? [],
            defaultGateway: $0.gateway, dnsServers: [])
        })
    }
    if listed.count > 1 { return .named(listed.map(\.name), preferred: nil) }
    if let named { return .named([named], preferred: interface != nil && address == nil ? nil : own) }
    if let own { return .holding(own) }
    return listed.isEmpty ? .main : .named(listed.map(\.name), preferred: nil)
  }
}

/// An item of HOMEBED_INTERFACES.
private struct ListedInterface: Sendable {
  var name: String
  var address: CIDR?
  var mac: MACAddress?
  var gateway: IPAddress?

  static let expected = "a JSON array of objects with name, and address (such as \"192.168.10.1/24\"), mac and gateway"

  static func read(_ value: JSONValue) -> [ListedInterface]? {
    guard let items = value.array else { return nil }
    let read = items.compactMap { item -> ListedInterface? in
      guard let name = item["name"]?.string else { return nil }
      return ListedInterface(
        name: name, address: item["address"]?.string.flatMap { CIDR($0) },
        mac: item["mac"]?.string.flatMap { MACAddress($0) }, gateway: item["gateway"]?.string.flatMap { IPAddress($0) })
    }
    return read.count == items.count ? read : nil
  }
}

extension IPAddress {
  /// True for 127.0.0.0/8.
  public var isLoopback: Bool {
    if case .v4(let bits) = self { bits >> 24 == 127 } else { false }
  }
}
