import Backends
import JSONText
import LinuxNetwork
import TopologyLanguage

extension HomeConductor {
  /// The program that plays a node of its kind; `nil` for bare machines and what has none yet.
  func programName(_ node: Node) -> String? {
    // A mobile device runs while it has a connection, not while it has power.
    if node.kind == .mobile { return nil }
    if case .command(let command)? = options.devices[node.name] { return command }
    return switch node.kind {
    case .ce: "ce-agent"
    case .configurator: "configurator"
    case .serviceServer: "service-server"
    case .homeGateway: "home-gateway"
    // Frames are needed, which a home on loopback has not.
    case .switch: node.speaksHTIP && options.backend != .loopback ? "home-switch" : nil
    case .host, .mobile, .hub, .accessPoint: nil
    }
  }

  /// Whether something runs in the node while it has power: its own program, or what its network needs.
  func isPlayed(_ node: Node) -> Bool {
    programName(node) != nil || node.leasedInterface != nil || NameAndAddressService(node, in: topology) != nil
  }

  /// What is started in a node when it gets power; around its own program stands what its network needs.
  /// - Throws: ``ActionFailure`` where a program of the machine is missing.
  func nodeProgram(_ node: Node) throws -> NodeProgram {
    let state = "\(folder)/state/\(node.name)"
    try Files.makeFolder(state)
    let resolver = try resolverFile(of: node)
    try Files.write(resolverText(of: node), to: resolver)
    var command: [String] = []
    if let name = programName(node) {
      let isForeign = options.devices[node.name] != nil
      command = isForeign ? ["/bin/sh", "-c", name] : ["\(options.programFolder)/\(name)"]
    }
    if let service = NameAndAddressService(node, in: topology) { command = try serving(service, command) }
    if let interface = node.leasedInterface { command = try leasing(node, interface, command) }
    return NodeProgram(
      node: node.name, executable: command[0], arguments: Array(command.dropFirst()),
      environment: environment.variables(
        for: node, stateFolder: state, tokenFile: try tokenFile(of: node), addresses: addresses.all(of: node.name)),
      stateFolder: state, resolver: resolver, logFile: logFile(of: node.name))
  }

  /// The node's own /etc/resolv.conf.
  func resolverFile(of node: Node) throws -> String {
    try Files.makeFolder("\(folder)/state")
    return "\(folder)/state/\(node.name).resolv.conf"
  }

  func resolverText(of node: Node) -> String {
    let given = environment.settings[node.name]?["ip.dns"].map { $0.array?.compactMap(\.string) ?? [$0.string ?? ""] }
    let servers = given ?? topology.nameServers(of: node).map(\.description)
    return servers.isEmpty
      ? "# no name service here\n" : servers.map { "nameserver \($0)\n" }.joined()
  }

  /// dnsmasq goes into the background when it answers, or ends with what is wrong.
  private func serving(_ service: NameAndAddressService, _ command: [String]) throws -> [String] {
    let program = try find(NameAndAddressService.program, for: service.node)
    let file = "\(folder)/state/\(service.node.name).dnsmasq.conf"
    try Files.write(
      service.configuration(log: logFile(of: service.node.name + ".dnsmasq")), to: file)
    let rest = command.isEmpty ? ["/bin/sh", "-c", "echo ready; exec sleep infinity"] : command
    return ["/bin/sh", "-c", #""$1" --conf-file="$2" && shift 2 && exec "$@""#, "sh", program, file] + rest
  }

  private func leasing(_ node: Node, _ interface: Int, _ command: [String]) throws -> [String] {
    for need in LeaseScript.needs { _ = try find((need.0, package: need.package), for: node) }
    let file = "\(folder)/state/\(LeaseScript.name)"
    if !Files.exists(file) { try Files.write(LeaseScript.text, to: file, mode: 0o755) }
    return ["/bin/sh", file, "start", "eth\(interface)"] + command
  }

  private func find(_ program: (name: String, package: String), for node: Node) throws -> String {
    guard let path = LinuxNetwork.Files.executable(program.name, alsoIn: ["/usr/sbin", "/sbin"]) else {
      throw ActionFailure(
        "\(node.name) needs \(program.name), which is missing; hint: apt-get install \(program.package)")
    }
    return path
  }

  private func tokenFile(of node: Node) throws -> String? {
    let content: JSONValue
    switch node.kind {
    case .serviceServer: content = secrets.serverFile
    case .configurator: content = secrets.configuratorFile(home: node.home ?? "")
    default: return nil
    }
    let path = "\(folder)/state/\(node.name).tokens"
    try Files.write(content.pretty + "\n", to: path, mode: 0o600)
    return path
  }
}
