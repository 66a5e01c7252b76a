import CLinux
import Glibc
import LinuxNetwork
import Octets
import Synchronization
import Taps
import TopologyLanguage

extension LoopbackHome {
  public func start(_ program: NodeProgram) throws -> RunningProgram {
    let watch = try ProgramWatch.shared()
    return try state.withLock { state in
      let running = try Self.running(state, self)
      _ = try NamespaceHome.place(program.node, state.plan)
      let networks = networks(near: program.node)
      let map = running.addresses.map
      let log = try Files.open(program.logFile, O_WRONLY | O_CREAT | O_APPEND)
      let output = try Commands.pipe()
      var arguments = ["reaper"]
      if let folder = program.stateFolder { arguments += ["--state", folder] }
      arguments += ["--", program.executable] + program.arguments.map { map.mapped($0, preferring: networks) }
      var environment = program.environment.mapValues { map.mapped($0, preferring: networks) }
      environment["HOMEBED_SSDP_GROUP"] = map.near(LoopbackAddresses.ssdpGroup)?.description
      environment["HOMEBED_TAP"] = running.socket
      let pid = try Commands.spawn(
        launcher.path, arguments,
        environment: NamespaceHome.passedOn(besides: environment)
          + environment.map { "\($0)=\($1)" }.sorted(),
        input: running.life, output: output.writing, errors: log, inherited: running.addresses.claim)
      let started = try watch.watch(
        node: program.node, pid: pid, output: output.reading, log: log, logFile: program.logFile)
      state.programs.removeAll { $0.ended != nil }
      state.programs.append(started)
      return started
    }
  }

  /// The networks whose addresses a node means first: its own, its home's, those outside.
  private func networks(near node: String) -> [String] {
    let home = topology.nodes.first { $0.name == node }?.home
    let own = topology.nodes.first { $0.name == node }?.interfaces.map(\.network) ?? []
    return own + topology.networks.filter { $0.home == home }.map(\.qualifiedName)
      + topology.networks.filter { $0.home == nil }.map(\.qualifiedName)
  }

  // MARK: What the runner itself sends

  /// How a node meets a peer.
  struct Meeting {
    var socket: Descriptor
    var local: Endpoint
    var remote: Endpoint
    /// `nil` where both are the node's own: that crosses no link.
    var recorder: TapRecorder?
    /// Whether what is sent waits for a verdict.
    var asks: Bool
    var connection: UInt32
    var map: AddressMap
    var networks: [String]
  }

  private func meet(_ peer: Endpoint, from node: String, port: UInt16, type: Int32) throws -> Meeting {
    try state.withLock { state in
      let running = try Self.running(state, self)
      let map = running.addresses.map
      let place = try NamespaceHome.place(node, state.plan)
      let interfaces = state.plan.places[place].interfaces
      let networks = networks(near: node)
      let leading =
        interfaces.first { $0.address?.contains(peer.address) ?? false }
        ?? interfaces.first {
          $0.address != nil
        }
      guard let leading, let address = leading.address?.address,
        let own = map.near(address, preferring: [leading.network])
      else { throw BackendError("\(node) has no address") }
      guard let remote = map.near(peer.address, preferring: networks) else {
        throw BackendError("\(peer.address) is in no network of the topology, so no link leads there from \(node)")
      }
      let isOwn = interfaces.contains { $0.address?.address == peer.address }
      if !isOwn, !peer.address.isMulticast, !reaches(peer.address, from: place, state) {
        throw BackendError("no link leads from \(node) to \(peer.address) now")
      }
      let socket = try InternetSocket.open(type: type, at: own.octets, port: port)
      state.lastConnection += 1
      return Meeting(
        socket: socket, local: Endpoint(own, try InternetSocket.port(of: socket)),
        remote: Endpoint(remote, peer.port), recorder: isOwn ? nil : running.recorder,
        asks: !isOwn && gate != nil,
        connection: state.lastConnection, map: map, networks: networks)
    }
  }

  public func exchange(
    from node: String, with server: Endpoint, sending octets: [UInt8], within limit: Duration,
    until isWhole: @escaping @Sendable ([UInt8]) -> Bool
  ) async throws -> [UInt8] {
    let meeting = try meet(server, from: node, port: 0, type: Int32(SOCK_STREAM.rawValue))
    let octets = HTTPText.mapped(octets, meeting.map, preferring: meeting.networks)
    let deadline = ContinuousClock.now + limit
    return try await withCheckedThrowingContinuation { continuation in
      do {
        try SystemThread.start("exchange") {
          continuation.resume(with: Result { try meeting.exchange(octets, before: deadline, until: isWhole) })
        }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  public func sendDatagram(from node: String, port: UInt16, to receiver: Endpoint, _ octets: [UInt8]) throws {
    guard !receiver.address.isLimitedBroadcast else {
      throw BackendError("a broadcast cannot be sent on loopback", hint: "use --backend namespaces")
    }
    let meeting = try meet(receiver, from: node, port: port, type: Int32(SOCK_DGRAM.rawValue))
    let octets = meeting.map.mapped(octets, preferring: meeting.networks)
    meeting.recorder?.tell(.opened(.datagram, meeting.local))
    @Sendable func send(_ octets: [UInt8]) throws {
      try InternetSocket.send(
        octets, on: meeting.socket, to: meeting.remote.address.octets, port: meeting.remote.port,
        from: meeting.local.address.octets)
    }
    guard meeting.asks, let recorder = meeting.recorder else {
      meeting.recorder?.tell(.datagramSent(from: meeting.local, to: meeting.remote, octets))
      return try send(octets)
    }
    recorder.offer(
      .datagramOffered(meeting.connection, from: meeting.local, to: meeting.remote, octets), meeting.connection
    ) { verdict in
      // Nobody waits for this datagram any more who could be told of an error.
      switch verdict {
      case .pass: try? send(octets)
      case .twice: for _ in 0..<2 { try? send(octets) }
      case .replace(let others): try? send(others)
      case .drop: break
      }
    }
  }

  public func sendFrame(from node: String, interface: Int, _ octets: [UInt8]) throws {
    throw BackendError("there is no Ethernet on loopback", hint: "use --backend namespaces")
  }
}

extension LoopbackHome.Meeting {
  /// Tells octets that are about to be sent, and gives what is to be sent; throws ECONNRESET where they are dropped.
  private func passed(_ octets: [UInt8], before deadline: ContinuousClock.Instant) throws -> [UInt8]? {
    guard !octets.isEmpty, let recorder else { return octets.isEmpty ? nil : octets }
    guard asks else {
      recorder.tell(.sent(connection, octets))
      return octets
    }
    let judged = Descriptor(try SystemError.check(clinux_eventfd(), "make an event descriptor"))
    let answer = Verdict()
    recorder.offer(.offered(connection, octets), connection) { verdict in
      answer.value.withLock { $0 = verdict }
      clinux_eventfd_signal(judged.number)
    }
    guard try judged.waitReadable(before: deadline) else {
      throw SystemError("send \(octets.count) octets, which are held up", number: ETIMEDOUT)
    }
    switch answer.value.withLock({ $0 }) {
    case .drop: throw SystemError("send \(octets.count) octets", number: ECONNRESET)
    case .replace(let others): return others
    case .pass, .twice, nil: return octets
    }
  }

  /// Set by the recorder's thread, read by the one that waits for it.
  private final class Verdict: Sendable {
    let value = Mutex<TapVerdict?>(nil)
  }

  fileprivate func exchange(
    _ octets: [UInt8], before deadline: ContinuousClock.Instant, until isWhole: ([UInt8]) -> Bool
  ) throws -> [UInt8] {
    let tcp = TCPConnection(socket)
    recorder?.tell(.connecting(connection, local: local, remote: remote))
    do {
      try tcp.connect(to: remote.address.octets, port: remote.port, before: deadline)
    } catch {
      recorder?.tell(.ended(connection, .refused))
      throw error
    }
    recorder?.tell(.connected(connection))
    defer { recorder?.tell(.ended(connection, .ownFinish)) }
    if let octets = try passed(octets, before: deadline) { try tcp.send(octets, before: deadline) }
    var told = 0
    let received = try tcp.receive(before: deadline) { received in
      recorder?.tell(.received(connection, Array(received[told...])))
      told = received.count
      return isWhole(received)
    }
    return HTTPText.restored(received, map)
  }
}
