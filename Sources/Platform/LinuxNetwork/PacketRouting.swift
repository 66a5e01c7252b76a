import CLinux
import Glibc

/// The IPv4 UDP and ICMP packets that come in for this host at any interface of the caller's namespace, for one thread.
///
/// It sees packets before nftables' ingress hook does, so that what the hook drops is still seen here.
public struct PacketInlet: ~Copyable {
  private var inlet = clinux_inlet()

  /// One packet from its IP header on; its octets are valid only while it is handed out.
  public struct Arrival: ~Copyable {
    public let octets: UnsafeRawBufferPointer
    /// True where the octets are the packet's first ones only: it is longer than a place of the ring.
    public let isCut: Bool
    public let interface: Int32
    /// True where the sender left the transport checksum to hardware that never saw the packet.
    public let isChecksumLeft: Bool
  }

  /// - Parameter packets: how many may wait; each takes a page.
  public init(packets: Int) throws {
    try SystemError.check(clinux_inlet_open(UInt32(packets), &inlet), "open a ring of \(packets) packets")
  }

  deinit {
    var inlet = inlet
    clinux_inlet_close(&inlet)
  }

  /// Readable when packets wait.
  public var descriptor: Int32 { inlet.socket }

  /// Hands out what waits, `limit` packets at most; gives how many.
  public mutating func drain(atMost limit: Int, _ body: (borrowing Arrival) -> Void) -> Int {
    var packet = clinux_packet()
    var count = 0
    while count < limit, clinux_inlet_next(&inlet, &packet) == 1 {
      body(
        Arrival(
          octets: UnsafeRawBufferPointer(start: packet.octets, count: Int(packet.captured)),
          isCut: packet.captured < packet.original, interface: packet.interface,
          isChecksumLeft: packet.checksum_left != 0))
      clinux_inlet_release(&inlet)
      count += 1
    }
    return count
  }
}

/// A socket to which whole IPv4 packets are given; the kernel routes them.
public struct PacketOutlet: Sendable {
  private let socket: Descriptor

  /// Opens it in the caller's namespace.
  public init() throws { socket = Descriptor(try SystemError.check(clinux_outlet_open(), "open a raw IP socket")) }

  /// Gives 0, or why the packet did not leave: EMSGSIZE for one that is too long for its link, ENETUNREACH, ENOBUFS ...
  public func send(_ packet: [UInt8], to destination: UInt32) -> Int32 {
    -packet.withUnsafeBytes { clinux_outlet_send(socket.number, $0.baseAddress, $0.count, destination.bigEndian) }
  }

  /// The largest packet of an interface in octets; `nil` where there is no such interface.
  public static func largestPacket(of interface: String) -> Int? {
    let result = clinux_interface_mtu(interface)
    return result > 0 ? Int(result) : nil
  }
}

/// nftables: by its library where that is installed, else by the program, which is slower. For one thread at a time.
public final class PacketFilter {
  private let library: UnsafeMutableRawPointer?
  private let program: String?

  /// - Throws: ``SystemError`` ENOENT where neither is there.
  public init() throws {
    library = clinux_nft_open()
    program = library == nil ? Files.executable("nft", alsoIn: ["/usr/sbin", "/sbin"]) : nil
    guard library != nil || program != nil else {
      throw SystemError("find nftables", number: ENOENT, detail: "hint: apt-get install nftables")
    }
  }

  /// Runs commands in nft's language, all or none.
  /// - Throws: ``SystemError`` EINVAL with nft's first line.
  public func run(_ commands: String) throws {
    var words = ""
    if let library {
      var buffer = [CChar](repeating: 0, count: 1024)
      if clinux_nft_run(library, commands, &buffer, buffer.count) == 0 { return }
      words = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    } else if let program {
      let result = try Commands.run(program, ["-f", "-"], input: commands)
      if result.status == 0 { return }
      words = result.errors
    }
    let line = words.split(separator: "\n").first.map(String.init) ?? "no reason given"
    throw SystemError("apply the rules of nftables", number: EINVAL, detail: line)
  }
}
