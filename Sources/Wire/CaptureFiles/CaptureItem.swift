/// What the octets of a captured frame begin with (the LINKTYPE registry of tcpdump.org).
public struct LinkType: RawRepresentable, Sendable, Hashable {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  public static let ethernet = LinkType(rawValue: 1)
  public static let rawIP = LinkType(rawValue: 101)
  public static let linuxCooked = LinkType(rawValue: 113)
}

/// An interface that frames were captured on.
public struct CaptureInterface: Sendable, Hashable {
  /// Counts from 0 over the whole file, whatever sections it has.
  public var index: Int
  public var name: String?
  public var description: String?
  public var linkType: LinkType
  /// The octets kept of each frame; 0 is no limit.
  public var snapLength: Int

  public init(
    index: Int, name: String? = nil, description: String? = nil, linkType: LinkType = .ethernet, snapLength: Int = 0
  ) {
    self.index = index
    self.name = name
    self.description = description
    self.linkType = linkType
    self.snapLength = snapLength
  }
}

/// Which way a frame passed the interface (pcapng, flags word, bits 0 and 1).
public enum CaptureDirection: UInt8, Sendable, Hashable {
  case unknown = 0
  case inbound = 1
  case outbound = 2
}

/// One frame of a capture.
public struct CapturedPacket: Sendable, Hashable {
  /// The ``CaptureInterface/index`` of the interface.
  public var interface: Int
  /// Nanoseconds since 1970-01-01 UTC; 0 in a Simple Packet Block, which carries no time.
  public var time: Int64
  public var direction: CaptureDirection
  /// The frame's length on the wire; more than `octets` where the capture cut it.
  public var originalLength: Int
  /// A slice of what was fed to the reader, not a copy where the frame came in one piece.
  public var octets: ArraySlice<UInt8>
  public var comments: [String]

  public init(
    interface: Int, time: Int64, direction: CaptureDirection, originalLength: Int, octets: ArraySlice<UInt8>,
    comments: [String] = []
  ) {
    self.interface = interface
    self.time = time
    self.direction = direction
    self.originalLength = originalLength
    self.octets = octets
    self.comments = comments
  }

  public var isCut: Bool { octets.count < originalLength }
}

/// The head of a pcapng section; a pcap file has none.
public struct CaptureSection: Sendable, Hashable {
  public var hardware: String?
  public var operatingSystem: String?
  public var application: String?

  public init(hardware: String? = nil, operatingSystem: String? = nil, application: String? = nil) {
    self.hardware = hardware
    self.operatingSystem = operatingSystem
    self.application = application
  }
}

/// What an Interface Statistics Block counts; `nil` is not told.
public struct CaptureStatistics: Sendable, Hashable {
  public var interface: Int
  public var time: Int64
  public var received: UInt64?
  /// Frames lost for lack of room, by the interface and by the operating system together.
  public var dropped: UInt64?

  public init(interface: Int, time: Int64, received: UInt64?, dropped: UInt64?) {
    self.interface = interface
    self.time = time
    self.received = received
    self.dropped = dropped
  }
}

/// One thing that a capture file holds, in file order.
public enum CaptureItem: Sendable, Hashable {
  case section(CaptureSection)
  case interface(CaptureInterface)
  case packet(CapturedPacket)
  /// A comment that is not a packet's own; `time` is that of the Interface Statistics Block it came in, else `nil`.
  case comment(time: Int64?, text: String)
  case statistics(CaptureStatistics)
  /// A block that is not read: name resolution, secrets, custom and unknown ones.
  case skipped(blockType: UInt32, offset: Int, length: Int)
}
