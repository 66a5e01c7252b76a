import CLinux
import Glibc
import LinuxNetwork

/// The wire's thread: reads frames, asks the gate, and sends each on when its time has come.
struct WireLoop: Sendable {
  /// Where frames come in and go out.
  struct Port: Sendable {
    var socket: Descriptor
    /// The number of the tap whose node's frames come in here; below 0 where they come from a bridge.
    var end: Int
    var link: String
    var node: String
    /// The bridge behind the port, by interface index: frames that the dying sender's own end can no longer carry go
    /// to it directly.
    var bridge: Int32?
  }

  /// A frame under way.
  private struct Flight: Sendable {
    var time: Int64
    var order: UInt64
    /// The port where it goes out.
    var port: Int
    var octets: [UInt8]
    /// Its sender may have died since it left.
    var mayOutliveSender = false
  }

  private let wake: Descriptor
  private let gate: (any FrameGate)?
  private var ports: [Port] = []
  /// What each port's frames meet on their way to the other end.
  private var directions: [ImpairedDirection] = []
  private var flights = Heap<Flight> { $0.time != $1.time ? $0.time < $1.time : $0.order < $1.order }
  private var order: UInt64 = 0
  /// By port where it came in: a frame that waits for the next one to overtake it.
  private var overtaken: [Int: [UInt64]] = [:]
  /// Held until released, by number.
  private var held: [Int: [(port: Int, octets: [UInt8])]] = [:]
  private var buffer = [UInt8](repeating: 0, count: 65_536)
  /// Frames that one port may bring before the others have their turn.
  private static let burst = 64

  init(wake: Descriptor, gate: (any FrameGate)?) {
    self.wake = wake
    self.gate = gate
  }

  /// Ports come in pairs: 0 and 1 are the ends of wire 0.
  mutating func add(_ port: Port, _ direction: ImpairedDirection) {
    ports.append(port)
    directions.append(direction)
  }

  mutating func run(taking: () -> Wire.Requests) {
    let descriptors = [wake.number] + ports.map(\.socket.number)
    var ready = [UInt8](repeating: 0, count: descriptors.count)
    while true {
      let pause = flights.first.map { max(0, $0.time - MonotonicClock.now()) } ?? -1
      clinux_wait_any(descriptors, &ready, descriptors.count, pause)
      if ready[0] != 0 {
        clinux_eventfd_clear(wake.number)
        let requests = taking()
        if requests.ending { return }
        for (wire, direction, impairment) in requests.impairments {
          directions[wire * 2 + direction].impairment = impairment
        }
        for number in requests.released { release(number) }
      }
      for port in ports.indices where ready[port + 1] != 0 { receive(at: port) }
      deliver()
    }
  }

  private mutating func receive(at port: Int) {
    for _ in 0..<WireLoop.burst {
      let count = clinux_packet_receive(ports[port].socket.number, &buffer, buffer.count)
      // Nothing waits, or the interface went down: it will come up again with the same socket.
      guard count > 0 else { return }
      pass(Array(buffer[..<count]), from: port)
    }
  }

  private mutating func pass(_ octets: [UInt8], from port: Int) {
    guard let gate, ports[port].end >= 0 else { return send(octets, from: port) }
    let frame = GatedFrame(
      end: ports[port].end, link: ports[port].link, node: ports[port].node, time: WallClock.now(), octets: octets)
    switch gate.fate(of: frame) {
    case .pass: send(octets, from: port)
    case .twice:
      send(octets, from: port)
      send(octets, from: port)
    case .replace(let other): send(other, from: port)
    case .drop(let onward, let back):
      for octets in onward { send(octets, from: port) }
      for octets in back { send(octets, from: port ^ 1) }
    case .hold(let nanoseconds):
      fly(octets, to: port ^ 1, at: MonotonicClock.now() + nanoseconds)
    case .holdUntilReleased(let number): held[number, default: []].append((port, octets))
    }
  }

  private mutating func release(_ number: Int) {
    for (port, octets) in held.removeValue(forKey: number) ?? [] {
      order += 1
      flights.insert(Flight(time: 0, order: order, port: port ^ 1, octets: octets, mayOutliveSender: true))
    }
  }

  private mutating func send(_ octets: [UInt8], from port: Int) {
    let now = MonotonicClock.now()
    let fate = directions[port].send(octets, at: now)
    guard let arrival = fate.arrivals.first else { return }
    if fate.arrivals == [now], flights.isEmpty, !fate.isOvertaken, overtaken[port] == nil {
      put(octets, at: port ^ 1)
      return
    }
    for time in fate.arrivals {
      fly(octets, to: port ^ 1, at: time)
      if fate.isOvertaken { overtaken[port, default: []].append(order) }
    }
    guard !fate.isOvertaken, let waiting = overtaken.removeValue(forKey: port) else { return }
    // What waited to be overtaken goes right after this one.
    for number in waiting {
      guard var flight = flights.remove(where: { $0.order == number }) else { continue }
      flight.time = arrival
      order += 1
      flight.order = order
      flights.insert(flight)
    }
  }

  private mutating func fly(_ octets: [UInt8], to port: Int, at time: Int64) {
    order += 1
    flights.insert(Flight(time: time, order: order, port: port, octets: octets))
  }

  private mutating func deliver() {
    while let first = flights.first, first.time <= MonotonicClock.now() {
      _ = flights.removeFirst()
      let sent = put(first.octets, at: first.port)
      // It had left its sender before that one died, and its link with it.
      if sent == -Int(ENETDOWN), first.mayOutliveSender, let bridge = ports[first.port].bridge {
        _ = clinux_send_frame(ports[first.port].socket.number, bridge, first.octets, first.octets.count)
      }
    }
  }

  /// A full queue or a dead interface loses the frame, as a cable would.
  @discardableResult
  private mutating func put(_ octets: [UInt8], at port: Int) -> Int {
    clinux_packet_send(ports[port].socket.number, octets, octets.count)
  }
}

/// The smallest element first.
struct Heap<Element: Sendable>: Sendable {
  private var elements: [Element] = []
  private let precedes: @Sendable (Element, Element) -> Bool

  init(_ precedes: @escaping @Sendable (Element, Element) -> Bool) { self.precedes = precedes }

  var first: Element? { elements.first }
  var isEmpty: Bool { elements.isEmpty }

  mutating func insert(_ element: Element) {
    elements.append(element)
    var index = elements.count - 1
    while index > 0, precedes(elements[index], elements[(index - 1) / 2]) {
      elements.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  mutating func removeFirst() -> Element? {
    guard !elements.isEmpty else { return nil }
    elements.swapAt(0, elements.count - 1)
    let first = elements.removeLast()
    var index = 0
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2]
      where child < elements.count && precedes(elements[child], elements[least]) {
        least = child
      }
      if least == index { return first }
      elements.swapAt(index, least)
      index = least
    }
  }

  /// Takes the first element out for which the condition holds, wherever it is.
  mutating func remove(where condition: (Element) -> Bool) -> Element? {
    guard let index = elements.firstIndex(where: condition) else { return nil }
    let element = elements.remove(at: index)
    let rest = elements
    elements.removeAll(keepingCapacity: true)
    for other in rest { insert(other) }
    return element
  }
}
