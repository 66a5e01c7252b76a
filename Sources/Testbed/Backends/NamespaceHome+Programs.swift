import Glibc
import LinuxNetwork
import Octets

extension NamespaceHome {
  /// What of the runner's own environment reaches a node's program; the rest is given.
  private static let passedOn: Set<Substring> = ["PATH", "HOME", "LANG", "TMPDIR", "SWIFT_BACKTRACE"]

  /// The runner's own variables that are passed on, besides those that are given.
  static func passedOn(besides given: [String: String]) -> [String] {
    Commands.ownEnvironment().filter { entry in
      let name = entry.prefix { $0 != "=" }
      return passedOn.contains(name) && given[String(name)] == nil
    }
  }

  public func start(_ program: NodeProgram) throws -> RunningProgram {
    let watch = try ProgramWatch.shared()
    return try state.withLock { state in
      let running = try Self.running(state, self)
      // The bridge that is a switch lies in the world, and so does the program that speaks for it.
      let bridge = state.plan.bridgeOfNode[program.node].flatMap { index in
        state.plan.bridges.first { $0.index == index }
      }
      let namespace =
        bridge == nil ? running.places[try Self.place(program.node, state.plan)] : running.worldNamespace
      let log = try Files.open(program.logFile, O_WRONLY | O_CREAT | O_APPEND)
      let output = try Commands.pipe()
      var arguments = ["node", "--netns", "/proc/self/fd/3", "--resolv", program.resolver ?? running.resolv]
      if let folder = program.stateFolder { arguments += ["--state", folder] }
      arguments += ["--", program.executable] + program.arguments
      var environment = program.environment
      environment["HOMEBED_TAP"] = running.tapSocket
      environment["HOMEBED_BRIDGE"] = bridge?.name
      let pid = try Commands.spawn(
        launcher.path, arguments,
        environment: Self.passedOn(besides: environment) + environment.map { "\($0)=\($1)" }.sorted(),
        output: output.writing, errors: log, inherited: namespace.descriptor)
      let started = try watch.watch(
        node: program.node, pid: pid, output: output.reading, log: log, logFile: program.logFile)
      state.programs.removeAll { $0.ended != nil }
      state.programs.append(started)
      return started
    }
  }

  public func exchange(
    from node: String, with server: Endpoint, sending octets: [UInt8], within limit: Duration,
    until isWhole: @escaping @Sendable ([UInt8]) -> Bool
  ) async throws -> [UInt8] {
    let socket = try socket(in: node, type: Int32(SOCK_STREAM.rawValue), for: server)
    let deadline = ContinuousClock.now + limit
    return try await withCheckedThrowingContinuation { continuation in
      do {
        try SystemThread.start("exchange") {
          continuation.resume(
            with: Result {
              let connection = TCPConnection(socket)
              try connection.connect(to: server.address.octets, port: server.port, before: deadline)
              try connection.send(octets, before: deadline)
              return try connection.receive(before: deadline, until: isWhole)
            })
        }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  public func sendDatagram(from node: String, port: UInt16, to receiver: Endpoint, _ octets: [UInt8]) throws {
    let socket = try socket(in: node, type: Int32(SOCK_DGRAM.rawValue), for: receiver)
    try InternetSocket.send(
      octets, on: socket, fromPort: port, to: receiver.address.octets, port: receiver.port,
      multicastInterface: receiver.address.isMulticast ? 2 : nil)
  }

  private func socket(in node: String, type: Int32, for peer: Endpoint) throws -> Descriptor {
    try namespace(of: node).socket(
      domain: peer.address.bitWidth == 32 ? AF_INET : AF_INET6, type: type, "a socket in \(node)")
  }

  public func sendFrame(from node: String, interface: Int, _ octets: [UInt8]) throws {
    let (namespace, index) = try state.withLock { state in
      let place = try Self.place(node, state.plan)
      guard state.plan.places[place].interfaces.indices.contains(interface) else {
        throw BackendError("\(node) has no interface \(interface)")
      }
      return (
        try Self.running(state, self).places[place], state.plan.places[place].interfaces[interface].index
      )
    }
    try InternetSocket.sendFrame(octets, in: namespace, index: index)
  }

  /// Sends one echo request (RFC 792) from inside a node and waits for the reply.
  /// - Returns: false when none came in time.
  public func ping(from node: String, to address: IPAddress, within limit: Duration) throws -> Bool {
    try InternetSocket.ping(address.octets, in: namespace(of: node), before: ContinuousClock.now + limit)
  }

  /// The descriptor of a node's network namespace in this process, by which others enter it; valid while the home is up.
  public func descriptor(of node: String) throws -> Int32 { try namespace(of: node).descriptor.number }

  func namespace(of node: String) throws -> NetworkNamespace {
    try state.withLock { state in
      try Self.running(state, self).places[Self.place(node, state.plan)]
    }
  }
}
