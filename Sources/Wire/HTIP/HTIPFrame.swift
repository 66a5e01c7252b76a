import Octets

/// What an HTIP agent sends: an LLDPDU (IEEE 802.1AB) with the TTC's own TLVs (ITU-T G.9973), addressed to everybody.
///
/// Reading keeps what is not known; writing gives nothing that a strict reader would refuse.
public struct HTIPFrame: Sendable, Hashable {
  /// A TLV that is not read here: an ordinary one of LLDP, of another organisation, or of an unknown subtype.
  public struct Other: Sendable, Hashable {
    /// 4 to 127.
    public var type: UInt8
    /// With organisation and subtype, where it has them.
    public var octets: [UInt8]

    public init(type: UInt8, octets: [UInt8]) {
      self.type = type
      self.octets = octets
    }
  }

  /// The organisation of the TTC, which HTIP's TLVs begin with.
  public static let organisation: [UInt8] = [0xE0, 0x27, 0x1A]
  /// The longest frame, in octets, without the Ethernet header.
  public static let limit = 1500

  public var chassis: ChassisID
  public var port: PortID
  /// Seconds for which it holds; 0 withdraws what this port told.
  public var timeToLive: UInt16
  public var portDescription: String?
  public var items: [DeviceItem]
  /// One for each port of a switch.
  public var links: [LinkInformation]
  /// The device's own addresses, where it has several.
  public var addresses: [MACAddress]
  /// Addresses of any kind (subtype 5).
  public var extendedAddresses: [[UInt8]]
  public var others: [Other]

  public init(
    chassis: ChassisID, port: PortID, timeToLive: UInt16, portDescription: String? = nil, items: [DeviceItem] = [],
    links: [LinkInformation] = [], addresses: [MACAddress] = [], extendedAddresses: [[UInt8]] = [],
    others: [Other] = []
  ) {
    self.chassis = chassis
    self.port = port
    self.timeToLive = timeToLive
    self.portDescription = portDescription
    self.items = items
    self.links = links
    self.addresses = addresses
    self.extendedAddresses = extendedAddresses
    self.others = others
  }

  /// The item that counts: the last one with this ID.
  public subscript(id: DeviceItemID) -> DeviceItem? { items.last { $0.id == id } }

  /// True where it comes from HTIP and not from some other LLDP agent.
  public var isHTIP: Bool {
    !items.isEmpty || !links.isEmpty || !addresses.isEmpty || !extendedAddresses.isEmpty
      || others.contains { $0.type == TLVType.organisational && $0.octets.starts(with: Self.organisation) }
  }
}

/// The types of TLVs that HTIP uses.
enum TLVType {
  static let end: UInt8 = 0
  static let chassisID: UInt8 = 1
  static let portID: UInt8 = 2
  static let timeToLive: UInt8 = 3
  static let portDescription: UInt8 = 4
  static let organisational: UInt8 = 127
}

/// The TTC's subtypes. Of 4 (extended link information) two senders' layouts differ, and of 6 (settings) no layout is
/// known: both are kept as octets.
enum TTCSubtype {
  static let deviceInformation: UInt8 = 1
  static let linkInformation: UInt8 = 2
  static let addressList: UInt8 = 3
  static let extendedAddressList: UInt8 = 5
}
