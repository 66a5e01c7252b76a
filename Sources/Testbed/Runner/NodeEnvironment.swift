import JSONText
import Messages
import Octets
import TopologyLanguage

/// The environment that a node's program is started with, ours or a foreign one alike (`HOMEBED_*`).
struct NodeEnvironment {
  let topology: Topology
  let secrets: RunSecrets
  let pace: Int
  /// Settings by node name and key, as the topology, the options and `set` give them.
  var settings: [String: [String: JSONValue]] = [:]

  init(topology: Topology, secrets: RunSecrets, pace: Int) {
    self.topology = topology
    self.secrets = secrets
    self.pace = pace
    for node in topology.nodes {
      if node.kind == .homeGateway { settings[node.name] = Self.settings(of: node.nat) }
      for setting in node.settings {
        settings[node.name, default: [:]][setting.key] =
          (try? JSONValue(parsing: setting.value)) ?? .string(setting.value)
      }
    }
  }

  /// What a `nat` line says, as settings; nothing where it says what holds anyway.
  private static func settings(of nat: NAT) -> [String: JSONValue] {
    var result: [String: JSONValue] = [:]
    let standard = NAT()
    if nat.mapping != standard.mapping { result["nat.mapping"] = .string(nat.mapping.rawValue) }
    if nat.filtering != standard.filtering { result["nat.filtering"] = .string(nat.filtering.rawValue) }
    if nat.hairpin != standard.hairpin { result["nat.hairpin"] = .bool(nat.hairpin) }
    return result
  }

  /// `HOMEBED_*` for `node`, as it would be started now.
  ///
  /// - Parameters:
  ///   - stateFolder: where the program keeps what survives a restart.
  ///   - tokenFile: the path of its token file, where it has one.
  ///   - addresses: the node's addresses by interface, which actions may have changed since the topology was read.
  func variables(
    for node: Node, stateFolder: String, tokenFile: String?, addresses: [Int: CIDR]
  ) -> [String: String] {
    var result = [
      "HOMEBED_NODE": node.name, "HOMEBED_PACE": String(pace), "HOMEBED_STATE_DIR": stateFolder,
      "HOMEBED_SSDP_MAX_DELAY": seconds(of: node, "ssdp-max-delay") ?? "0.02",
      "SWIFT_BACKTRACE": "enable=no",
    ]
    let interfaces = node.interfaces.enumerated().map { index, interface in
      interfaceObject(interface, index: index, address: addresses[index] ?? interface.address)
    }
    result["HOMEBED_INTERFACES"] = JSONValue.array(interfaces).description
    // The side that a node serves: a gateway's LAN, else the only interface.
    let main = node.kind == .homeGateway ? node.interfaces.lastIndex { isInside($0) } ?? 0 : 0
    if node.interfaces.indices.contains(main) {
      let interface = node.interfaces[main]
      result["HOMEBED_INTERFACE"] = "eth\(main)"
      result["HOMEBED_MAC"] = interface.mac.description
      if let address = addresses[main] ?? interface.address {
        result["HOMEBED_ADDRESS"] = address.address.description
        result["HOMEBED_PREFIX_LENGTH"] = String(address.prefixLength)
      }
      if let gateway = interface.gateway { result["HOMEBED_GATEWAY"] = gateway.description }
    }
    if let home = node.home { result["HOMEBED_HOME"] = home }
    if let tokenFile { result["HOMEBED_TOKEN_FILE"] = tokenFile }
    if node.kind != .serviceServer, let server = topology.serviceServerAddress {
      result["HOMEBED_SERVER_URL"] = "http://\(Endpoint(server, DefaultPort.serviceServer))"
    }
    if let port = node.kind.httpPort { result["HOMEBED_HTTP_PORT"] = String(port) }
    switch node.kind {
    case .ce:
      result["HOMEBED_AGENT_ID"] = node.id
      result["HOMEBED_DEVICE"] = deviceObject(node).description
      result["HOMEBED_APPLICATIONS"] = applicationArray(node).description
      result["HOMEBED_HTIP_INTERVAL"] = seconds(of: node, "htip-interval")
    case .switch:
      result["HOMEBED_DEVICE"] = JSONValue.object(["modelName": .string(node.name)]).description
      result["HOMEBED_HTIP_INTERVAL"] = seconds(of: node, "htip-interval")
    case .configurator:
      result["HOMEBED_AGENT_ID"] = node.id
    case .serviceServer:
      result["HOMEBED_STUN_PORTS"] = DefaultPort.stun.map(String.init).joined(separator: ",")
      // A server with two addresses speaks all of RFC 5780.
      if node.interfaces.count > 1, let second = addresses[1] ?? node.interfaces[1].address {
        result["HOMEBED_STUN_ADDRESS2"] = second.address.description
      }
    case .homeGateway:
      let given = settings[node.name]?["control-points"].map { $0.array?.compactMap(\.string) ?? [$0.string ?? ""] }
      let points = given ?? topology.configuratorAddresses(home: node.home).map(\.description)
      result["HOMEBED_CONTROL_POINTS"] = points.joined(separator: ",")
    default: break
    }
    if let own = settings[node.name], !own.isEmpty {
      var object = JSONObject()
      for (key, value) in own.sorted(by: { $0.key < $1.key }) { object[key] = value }
      result["HOMEBED_SETTINGS"] = JSONValue.object(object).description
    }
    return result
  }

  private func seconds(of node: Node, _ key: String) -> String? {
    guard let value = settings[node.name]?[key] else { return nil }
    return value.string ?? value.double.map { "\($0)" }
  }

  private func isInside(_ interface: Interface) -> Bool {
    topology.networks.contains { $0.qualifiedName == interface.network && $0.home != nil }
  }

  private func interfaceObject(_ interface: Interface, index: Int, address: CIDR?) -> JSONValue {
    [
      "name": .string("eth\(index)"), "network": .string(interface.networkName), "address": .text(address),
      "mac": .text(interface.mac), "gateway": .text(interface.gateway), "outside": .bool(!isInside(interface)),
    ]
  }

  private func deviceObject(_ node: Node) -> JSONValue {
    [
      "deviceCategory": .array(node.device.categories.map(JSONValue.string)),
      "manufacturerOUI": .string(node.device.oui), "modelName": .string(node.device.model),
      "modelNumber": .string(node.device.number), "serialNumber": .string(node.device.serial),
      "friendlyName": .string(node.name),
    ]
  }

  private func applicationArray(_ node: Node) -> JSONValue {
    .array(
      node.applications.map {
        [
          "name": .string($0.name), "protocol": .string($0.transport.rawValue), "port": .int($0.port),
          "remoteAccess": .bool($0.isRemote),
        ]
      })
  }
}

extension Node.Kind {
  /// Where the profile has a node of this kind listen for HTTP; `nil` where it does not.
  var httpPort: UInt16? {
    switch self {
    case .serviceServer: DefaultPort.serviceServer
    case .configurator: DefaultPort.configurator
    case .ce: DefaultPort.agent
    case .homeGateway: DefaultPort.gateway
    default: nil
    }
  }
}

extension Topology {
  /// The address of the first service server; homes reach it over the internet.
  var serviceServerAddress: IPAddress? {
    nodes.first { $0.kind == .serviceServer }?.interfaces.first?.address?.address
  }

  func configuratorAddresses(home: String?) -> [IPAddress] {
    nodes.filter { $0.kind == .configurator && $0.home == home }.compactMap { $0.interfaces.first?.address?.address }
  }
}
