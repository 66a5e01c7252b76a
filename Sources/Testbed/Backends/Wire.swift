import CLinux
import Glibc
import LinuxNetwork
import Synchronization
import TopologyLanguage

/// The user-space wire of a home: passes frames between the ends of its wired links, with delay, loss and whatever else
/// the links are to do, on one thread.
///
/// A frame is captured at its sender's link end before it comes here, so what is lost here was sent.
final class Wire: Sendable {
  private let requests: Mutex<Requests>
  /// Wakes the thread when there is a request.
  private let wake: Descriptor

  /// What the thread is asked to do.
  struct Requests: Sendable {
    /// By number of the wire and of the direction: 0 leads from port 0 to port 1.
    var impairments: [(wire: Int, direction: Int, Impairment)] = []
    var released: [Int] = []
    var ending = false
  }

  /// - Parameters:
  ///   - seed: of all chance.
  ///   - gate: is asked for every frame that comes out of a node; `nil`: all pass.
  init(
    world: NetworkNamespace, plan: HomePlan, qualities: [String: [LinkQuality]], seed: UInt64,
    gate: (any FrameGate)?
  ) throws {
    let wake = Descriptor(try SystemError.check(clinux_eventfd(), "make an event descriptor"))
    self.wake = wake
    requests = Mutex(Requests())
    var loop = WireLoop(wake: wake, gate: gate)
    for (number, wire) in plan.wires.enumerated() {
      let qualities = qualities[plan.taps[wire.taps[0]].link] ?? []
      for (side, port) in wire.ports.enumerated() {
        let socket = try SystemError.check(
          clinux_packet_open(world.descriptor.number, port.index, 4 << 20), "open a packet socket at \(port.name)")
        let label = port.tap.map { plan.taps[$0] }
        loop.add(
          WireLoop.Port(
            socket: Descriptor(socket), end: port.tap ?? -1, link: label?.link ?? "", node: label?.node ?? "",
            bridge: plan.bridge(behind: port, of: wire)),
          ImpairedDirection(
            Impairment(qualities, towards: wire.nodes[1 - side]),
            seed: seed &+ UInt64(number * 2 + side) &* 0xD134_2543_DE82_EF95))
      }
    }
    let work = loop
    try SystemThread.start("wire") { [self] in
      var loop = work
      loop.run { self.take() }
    }
  }

  /// Sets what a direction does from now on; frames under way keep their fate.
  func set(_ impairment: Impairment, wire: Int, direction: Int) {
    ask { $0.impairments.append((wire, direction, impairment)) }
  }

  /// Lets a frame go on that the gate told to hold until its number is released, and what waits behind it.
  func release(_ number: Int) { ask { $0.released.append(number) } }

  /// Lets the thread end by itself.
  func end() { ask { $0.ending = true } }

  private func ask(_ body: @Sendable (inout Requests) -> Void) {
    requests.withLock { body(&$0) }
    clinux_eventfd_signal(wake.number)
  }

  private func take() -> Requests {
    requests.withLock { requests in
      defer { requests = Requests(ending: requests.ending) }
      return requests
    }
  }
}
