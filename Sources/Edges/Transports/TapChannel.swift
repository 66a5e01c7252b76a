import Glibc
import LinuxNetwork
import Messages
import Synchronization
import Taps

/// This program's end of the runner's tap: every octet of its sockets is told there, and from there it learns what its
/// links are like, since on loopback there is no cable that could be pulled.
///
/// What is told is stamped and written in one step, under a lock. So when the runner asks how far a tap has got, the
/// answer is exact: nothing older is still to come. A thread of its own answers, whatever the event loop does.
public final class TapChannel: Sendable {
  /// What becomes of octets that are to be sent.
  enum Passage {
    case passes
    /// The own link is down: nothing leaves.
    case held
    /// They leave and do not arrive.
    case lost
    /// The runner was asked, and says later what becomes of them.
    case asked
  }

  /// Which end opened a connection.
  enum Side { case client, server }

  private let socket: Descriptor
  // A lock, since the event loop tells and the tap's thread answers, and stamp and write must not be parted.
  private let state: Mutex<State>

  /// `nil` where the links are the kernel's.
  private let changes: SharedCounter?
  private let board: String

  private struct State {
    var links: TapLinks
    /// The counter's number when they were read.
    var change: UInt32?
    var lastConnection: UInt32 = 0
    /// False once the runner has gone: then nothing is told any more.
    var isOpen = true
    var lastObserver = 0
    var observers: [Int: @Sendable (TapLinks) -> Void] = [:]
    /// Who waits for verdicts, by connection, and by the number of a datagram.
    var judged: [UInt32: @Sendable (TapVerdict) -> Void] = [:]
    var judgedDatagrams: [UInt32: @Sendable (TapVerdict) -> Void] = [:]
  }

  /// Connects to the runner's socket and waits for its first order, which tells the links.
  ///
  /// - Throws: ``SystemError``, or a `WireError` where the other end speaks otherwise.
  public init(path: String, node: String) throws {
    socket = try UnixSocket.connect(to: path)
    let hello = TapRecord(.hello(node: node, process: UInt32(bitPattern: getpid())), at: WallClock.now())
    try UnixSocket.send(hello.octets, on: socket)
    var framing = TapFraming()
    let (number, links) = try TapChannel.firstLinks(socket, &framing)
    state = Mutex(State(links: links))
    board = TapBoard.file(of: node, besides: path)
    changes = links.interfaces.isEmpty ? nil : try SharedCounter.open(TapBoard.counter(besides: path))
    tell(.done(number))
    let rest = framing
    try SystemThread.start("tap") { [self] in
      var framing = rest
      do {
        while let order = try TapChannel.next(socket, &framing) { carryOut(order) }
      } catch {
        // Whoever sends such things is no runner.
      }
      state.withLock { $0.isOpen = false }
    }
  }

  private static func firstLinks(_ socket: Descriptor, _ framing: inout TapFraming) throws -> (UInt32, TapLinks) {
    while let order = try next(socket, &framing) {
      if case .links(let number, let links) = order { return (number, links) }
    }
    throw SystemError("hear from the runner's tap", number: ECONNRESET)
  }

  /// `nil` when the runner has gone.
  private static func next(_ socket: Descriptor, _ framing: inout TapFraming) throws -> TapOrder? {
    while true {
      if let message = try framing.next() { return try TapOrder(parsing: message) }
      guard let octets = try socket.read(atMost: 65_536, "the tap") else { continue }
      if octets.isEmpty { return nil }
      framing.feed(octets)
    }
  }

  private func carryOut(_ order: TapOrder) {
    switch order {
    case .reach(let number): tell(.reached(number))
    case .verdict(let connection, let verdict): state.withLock { $0.judged[connection] }?(verdict)
    case .datagramVerdict(let number, let verdict):
      state.withLock { $0.judgedDatagrams.removeValue(forKey: number) }?(verdict)
    case .links(let number, let links):
      let observers = state.withLock { state in
        if changes == nil { state.links = links } else { refresh(&state) }
        write(.done(number), &state)
        return state.observers.sorted { $0.key < $1.key }.map(\.value)
      }
      for observer in observers { observer(links) }
    }
  }

  /// Reads the board, where something has changed there.
  private func refresh(_ state: inout State) {
    guard let changes, state.change != changes.value else { return }
    let now = changes.value
    var framing = TapFraming()
    do {
      let file = try Files.open(board, O_RDONLY)
      while let octets = try file.read(atMost: 65_536, board), !octets.isEmpty { framing.feed(octets) }
    } catch { return }
    guard let message = try? framing.next(), case .links(_, let links)? = try? TapOrder(parsing: message) else {
      return
    }
    state.links = links
    state.change = now
  }

  /// What the links are like now, with what is told of them, in one step.
  private func withLinks<Result>(_ body: (inout State) -> Result) -> Result {
    state.withLock { state in
      refresh(&state)
      return body(&state)
    }
  }

  /// Calls `observer` with the links after each change, on the tap's thread, until ``forget(_:)``.
  @discardableResult
  public func observe(_ observer: @escaping @Sendable (TapLinks) -> Void) -> Int {
    state.withLock { state in
      state.lastObserver += 1
      state.observers[state.lastObserver] = observer
      return state.lastObserver
    }
  }

  /// Calls `judged` with the verdict on what the connection offered; `nil`: no longer.
  func await(verdictsOf connection: UInt32, _ judged: (@Sendable (TapVerdict) -> Void)?) {
    state.withLock { $0.judged[connection] = judged }
  }

  public func forget(_ number: Int) { state.withLock { $0.observers[number] = nil } }

  public var links: TapLinks { withLinks { $0.links } }

  /// Asks the runner for another address or gateway of an interface.
  public func move(_ interface: String, address: CIDR?, gateway: IPAddress?) {
    tell(.moving(interface: interface, address: address, gateway: gateway))
  }

  // MARK: Telling

  func tell(_ content: TapRecord.Content) { state.withLock { write(content, &$0) } }

  private func write(_ content: TapRecord.Content, _ state: inout State) {
    guard state.isOpen else { return }
    do {
      try UnixSocket.send(TapRecord(content, at: WallClock.now()).octets, on: socket)
    } catch {
      state.isOpen = false
    }
  }

  // MARK: Connections

  func newConnection() -> UInt32 {
    state.withLock { state in
      state.lastConnection += 1
      return state.lastConnection
    }
  }

  /// Tells that a connection is about to be opened; `nil`, and nothing told, where it would not come through.
  func open(_ connection: UInt32, local: Endpoint, remote: Endpoint) -> UInt32? {
    withLinks { state in
      guard state.links.isUp(local.address), let incarnation = state.links.incarnation(of: remote.address, .client)
      else { return nil }
      write(.connecting(connection, local: local, remote: remote), &state)
      return incarnation
    }
  }

  func send(_ octets: [UInt8], on connection: UInt32, _ side: Side, local: Endpoint, remote: Endpoint) -> Passage {
    withLinks { state in
      guard state.links.isUp(local.address) else { return .held }
      if state.links.asks {
        write(.offered(connection, octets), &state)
        return .asked
      }
      write(.sent(connection, octets), &state)
      return state.links.incarnation(of: remote.address, side) == nil ? .lost : .passes
    }
  }

  /// Tells what came; false, and nothing told, where it cannot have come yet.
  func receive(_ octets: [UInt8], on connection: UInt32, _ side: Side, local: Endpoint, remote: Endpoint) -> Bool {
    withLinks { state in
      guard state.links.isUp(local.address), state.links.incarnation(of: remote.address, side) != nil else {
        return false
      }
      write(.received(connection, octets), &state)
      return true
    }
  }

  /// The number of the machine behind an address, where octets pass both ways; `nil` where they do not.
  func incarnation(_ side: Side, local: Endpoint, remote: Endpoint) -> UInt32? {
    withLinks { state in
      state.links.isUp(local.address) ? state.links.incarnation(of: remote.address, side) : nil
    }
  }

  /// Whether an address is one of this node's own: what goes there crosses no link.
  func isOwn(_ address: IPAddress) -> Bool { withLinks { $0.links.holder(of: address) != nil } }

  // MARK: Datagrams

  /// Tells a datagram that is about to be sent.
  ///
  /// - Parameter judged: takes the verdict, on the tap's thread, where the runner was asked.
  func sendDatagram(
    _ octets: [UInt8], from local: Endpoint, to remote: Endpoint,
    judged: @escaping @Sendable (TapVerdict) -> Void = { _ in }
  ) -> Passage {
    withLinks { state -> Passage in
      guard state.links.holder(of: remote.address) == nil else { return .passes }
      guard state.links.isUp(local.address) else { return .held }
      let passes = remote.address.isMulticast || state.links.knows(remote.address)
      guard state.links.asks else {
        write(.datagramSent(from: local, to: remote, octets), &state)
        return passes ? .passes : .lost
      }
      state.lastConnection += 1
      if passes { state.judgedDatagrams[state.lastConnection] = judged }
      write(.datagramOffered(state.lastConnection, from: local, to: remote, octets), &state)
      return .asked
    }
  }

  /// Tells a datagram that came to the interface of an address; false where it cannot have come.
  func receiveDatagram(_ octets: [UInt8], from remote: Endpoint, to local: Endpoint, at own: IPAddress) -> Bool {
    withLinks { state in
      guard state.links.holder(of: remote.address) == nil else { return true }
      guard state.links.isUp(own), state.links.knows(remote.address) else { return false }
      // A group is a link's own.
      if local.address.isMulticast, state.links.holder(of: own)?.address?.contains(remote.address) == false {
        return false
      }
      write(.datagramReceived(from: remote, to: local, octets), &state)
      return true
    }
  }
}

extension TapLinks {
  /// Links of which nothing is told are the kernel's, and all pass.
  fileprivate var areKernels: Bool { interfaces.isEmpty }

  fileprivate func holder(of address: IPAddress) -> Interface? { interfaces.first { $0.address?.address == address } }

  fileprivate func isUp(_ address: IPAddress) -> Bool { areKernels || holder(of: address)?.isUp ?? false }

  fileprivate func incarnation(of remote: IPAddress, _ side: TapChannel.Side) -> UInt32? {
    if areKernels { return 0 }
    return side == .client ? mayOpen[remote] : mayHear[remote]
  }

  fileprivate func knows(_ remote: IPAddress) -> Bool {
    areKernels || mayOpen[remote] != nil || mayHear[remote] != nil
  }
}
