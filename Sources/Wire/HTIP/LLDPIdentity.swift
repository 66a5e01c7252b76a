import Octets

/// Which device an LLDPDU tells of (IEEE 802.1AB, TLV type 1).
public enum ChassisID: Sendable, Hashable, CustomStringConvertible {
  /// Subtype 4: of a bridge its representative MAC address, the same on every port.
  case mac(MACAddress)
  /// Subtype 7, a name that the device gave itself; HTIP wants six or eight upper-case hexadecimal digits.
  case local(String)
  case other(subtype: UInt8, [UInt8])

  public var description: String {
    switch self {
    case .mac(let address): "\(address)"
    case .local(let name): name
    case .other(let subtype, let octets): "\(subtype):\(octets.hex())"
    }
  }

  /// True for what HTIP allows.
  var isLegal: Bool {
    switch self {
    case .mac: true
    case .local(let name): [6, 8].contains(name.utf8.count) && name.utf8.allSatisfy(\.isUpperHexDigit)
    case .other: false
    }
  }

  init(subtype: UInt8, _ value: ArraySlice<UInt8>) {
    if subtype == 4, let address = MACAddress(value) {
      self = .mac(address)
    } else if subtype == 7, let text = String(validating: value, as: UTF8.self) {
      self = .local(text)
    } else {
      self = .other(subtype: subtype, Array(value))
    }
  }

  /// The subtype and the octets after it.
  var octets: [UInt8] {
    switch self {
    case .mac(let address): [4] + address.octets
    case .local(let name): [7] + Array(name.utf8)
    case .other(let subtype, let octets): [subtype] + octets
    }
  }
}

/// Which port of the device it is (IEEE 802.1AB, TLV type 2). HTIP prescribes no subtype.
public struct PortID: Sendable, Hashable, CustomStringConvertible {
  public var subtype: UInt8
  public var octets: [UInt8]

  public init(subtype: UInt8, _ octets: some Sequence<UInt8>) {
    self.subtype = subtype
    self.octets = Array(octets)
  }

  /// Subtype 5: the name of the interface.
  public static func interface(_ name: String) -> PortID { PortID(subtype: 5, name.utf8) }

  /// The Port ID of a further frame: `br0+1` for the first one after `br0`; 0 is the port itself.
  public func further(_ number: Int) -> PortID {
    number == 0 ? self : PortID(subtype: subtype, octets + "+\(number)".utf8)
  }

  public var description: String {
    if subtype == 3, let address = MACAddress(octets) { return "\(address)" }
    let isText = octets.allSatisfy { (0x20...0x7E).contains($0) }
    return isText && [1, 2, 5, 7].contains(subtype) ? String(decoding: octets, as: UTF8.self) : octets.hex()
  }
}

extension UInt8 {
  /// True for the octets of `0-9 A-F`.
  var isUpperHexDigit: Bool { isHexDigit && !(0x61...0x66).contains(self) }
}
