import Glibc
import LinuxNetwork
import Synchronization

/// Makes the forwarding thread look up from its waiting, and end.
final class WakeUp: Sendable {
  let reading: Descriptor
  private let writing: Descriptor

  init() throws { (reading, writing) = try Commands.pipe() }

  func signal() { try? writing.write([0], "a wake-up") }
}

/// A class around the ring, so that a thread can own it.
///
/// Unchecked: made on one thread and handed to the forwarding thread, which alone uses it then.
final class Inlet: @unchecked Sendable {
  var ring: PacketInlet

  /// Four megabytes: what waits while the thread does, some 10 ms at a gigabit of full packets.
  init() throws { ring = try PacketInlet(packets: 1024) }
}

/// The ring on its way. The kernel takes some 10 ms to set one up, in which it only waits (for readers of an older state);
/// meanwhile the rules are made.
final class InletOpening: Sendable {
  private let opened = WaitingResult()
  private let done: WakeUp

  private final class WaitingResult: Sendable {
    let value = Mutex<Result<Inlet, any Error>?>(nil)
  }

  /// Begins it, in the caller's namespace.
  init() throws {
    let (opened, done) = (opened, try WakeUp())
    self.done = done
    try SystemThread.start("ring") {
      let result = Result { try Inlet() }
      opened.value.withLock { $0 = result }
      done.signal()
    }
  }

  /// Waits until it is there.
  func wait() throws -> Inlet {
    _ = try done.reading.read(atMost: 1, "a wake-up")
    guard let result = opened.value.withLock({ $0 }) else { throw SystemError("open a ring of packets", number: EINTR) }
    return try result.get()
  }
}

/// The thread that passes UDP on.
///
/// Unchecked: everything but ``wake`` is used on the thread that runs ``run()`` alone.
final class Forwarder: @unchecked Sendable {
  let wake: WakeUp
  private let inlet: Inlet
  private let outlet: PacketOutlet
  private let monitor: InterfaceMonitor
  private let translator: Translator
  private var exhausted = 0

  init(inlet: Inlet, outlet: PacketOutlet, monitor: InterfaceMonitor, translator: Translator, wake: WakeUp) {
    self.inlet = inlet
    self.outlet = outlet
    self.monitor = monitor
    self.translator = translator
    self.wake = wake
  }

  func run() {
    var waiting = [inlet.ring.descriptor, wake.reading.number, monitor.notifications.number].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    while true {
      if poll(&waiting, nfds_t(waiting.count), -1) < 0, errno != EINTR {
        translator.report("translation of UDP ends: \(SystemError("wait for packets", number: errno))")
        return
      }
      if waiting[1].revents != 0 { return }
      if waiting[2].revents != 0 { followInterfaces() }
      // A batch at a time, so that a flood does not keep a change of interfaces waiting.
      let (outlet, translator) = (outlet, translator)
      _ = inlet.ring.drain(atMost: 256) { arrival in
        // Longer than any link of ours carries: pasted together by the sender's own machine.
        if arrival.isCut { return }
        Self.pass(
          Array(arrival.octets), interface: arrival.interface, isChecksumLeft: arrival.isChecksumLeft, translator,
          outlet)
      }
    }
  }

  private static func pass(
    _ octets: [UInt8], interface: Int32, isChecksumLeft: Bool, _ translator: Translator, _ outlet: PacketOutlet
  ) {
    let (outcome, mtu) = translator.take(octets, interface: interface, isChecksumLeft: isChecksumLeft)
    switch outcome {
    case .drop: return
    case .answer(let answer, _): send(answer, outlet)
    case .forward(let packet, _):
      if packet.count <= mtu {
        switch send(packet, outlet) {
        case ENETUNREACH, EHOSTUNREACH: refuse(3, 0, of: octets, interface, translator, outlet)
        case EMSGSIZE: refuse(3, 4, nextHopMTU: mtu, of: octets, interface, translator, outlet)
        default: break
        }
      } else if packet[6] & 0x40 != 0 {
        // RFC 1191: the sender is to send less.
        refuse(3, 4, nextHopMTU: mtu, of: octets, interface, translator, outlet)
      } else {
        for part in Fragments.of(packet, mtu: mtu) { send(part, outlet) }
      }
    }
  }

  @discardableResult private static func send(_ packet: [UInt8], _ outlet: PacketOutlet) -> Int32 {
    let destination = packet[16..<20].reduce(0) { $0 << 8 | UInt32($1) }
    return outlet.send(packet, to: destination)
  }

  private static func refuse(
    _ type: UInt8, _ code: UInt8, nextHopMTU: Int = 0, of octets: [UInt8], _ interface: Int32,
    _ translator: Translator, _ outlet: PacketOutlet
  ) {
    let outcome = translator.refusal(
      type, code, nextHopMTU: UInt16(clamping: nextHopMTU), of: octets, interface: interface)
    if case .answer(let answer, _) = outcome { send(answer, outlet) }
  }

  private func followInterfaces() {
    // What it says does not matter, nor that some may be lost: the list tells all.
    _ = try? monitor.notifications.read(atMost: 65_536, "notifications")
    do {
      try translator.follow(try monitor.list())
    } catch {
      translator.report("the interfaces have changed and cannot be followed: \(error)")
    }
  }
}
