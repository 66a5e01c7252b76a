import Octets

extension HTIPFrame {
  /// The LLDPDU's octets.
  ///
  /// - Throws: ``WireError`` for a value that may not be sent, and `tooLong` above ``limit`` octets.
  public func octets() throws -> [UInt8] {
    let octets = head() + (try body().joined()) + Self.end
    guard octets.count <= Self.limit else {
      throw WireError(
        .tooLong, in: "HTIP", at: Self.limit, "the frame has \(octets.count) octets, expected \(Self.limit) at most")
    }
    var strict = Set<Leniency>()
    // Addresses and lists are written in the one way that is left; what people choose is checked.
    if case .other = chassis { strict.insert(.foreignChassis) }
    _ = try Self.parse(octets[...], allowing: strict)
    return octets
  }

  /// The same information in as many frames as it takes, each with a Port ID of its own: what does not fit into the
  /// first goes into further ones, `+1`, `+2` ... after the name of the port.
  ///
  /// - Throws: as ``octets()``.
  public func frames() throws -> [HTIPFrame] {
    var first = self
    (first.links, first.addresses) = ([], [])
    let pieces = links.flatMap { link in
      link.addresses.isEmpty
        ? [link]
        : stride(from: 0, to: link.addresses.count, by: LinkInformation.addressLimit).map {
          LinkInformation(
            interfaceType: link.interfaceType, port: link.port,
            addresses: Array(link.addresses[$0..<min($0 + LinkInformation.addressLimit, link.addresses.count)]))
        }
    }
    let lists = stride(from: 0, to: addresses.count, by: AddressList.limit).map {
      Array(addresses[$0..<min($0 + AddressList.limit, addresses.count)])
    }
    var result = [first]
    func next() -> HTIPFrame {
      HTIPFrame(
        chassis: chassis, port: port.further(result.count), timeToLive: timeToLive, portDescription: portDescription)
    }
    for list in lists {
      if try result[result.count - 1].length + list.count * 6 + 7 > Self.limit { result.append(next()) }
      result[result.count - 1].addresses += list
    }
    for piece in pieces {
      let length = piece.bodies().reduce(0) { $0 + $1.count + 6 }
      if try result[result.count - 1].length + length > Self.limit { result.append(next()) }
      result[result.count - 1].add(piece)
    }
    return result
  }

  private mutating func add(_ piece: LinkInformation) {
    if let last = links.last, last.port == piece.port {
      links[links.count - 1].addresses += piece.addresses
    } else {
      links.append(piece)
    }
  }

  private static let end: [UInt8] = [0, 0]

  private var length: Int { get throws { try head().count + body().reduce(0) { $0 + $1.count } + Self.end.count } }

  private func head() -> [UInt8] {
    Self.element(TLVType.chassisID, chassis.octets) + Self.element(TLVType.portID, [port.subtype] + port.octets)
      + Self.element(TLVType.timeToLive, [UInt8(timeToLive >> 8), UInt8(timeToLive & 0xFF)])
  }

  private func body() throws -> [[UInt8]] {
    var result: [[UInt8]] = []
    if let portDescription {
      guard portDescription.utf8.count <= 255 else {
        throw WireError(.tooLong, in: "HTIP", at: 0, "the port description is longer than 255 octets")
      }
      result.append(Self.element(TLVType.portDescription, Array(portDescription.utf8)))
    }
    result += try items.map { Self.ttc(TTCSubtype.deviceInformation, try $0.octets()) }
    result += links.flatMap { $0.bodies() }.map { Self.ttc(TTCSubtype.linkInformation, $0) }
    result += AddressList.bodies(addresses).map { Self.ttc(TTCSubtype.addressList, $0) }
    if !extendedAddresses.isEmpty {
      let list = extendedAddresses.flatMap { [UInt8(truncatingIfNeeded: $0.count)] + $0 }
      let body = [UInt8(truncatingIfNeeded: extendedAddresses.count)] + list
      guard extendedAddresses.count <= 255, extendedAddresses.allSatisfy({ $0.count <= 255 }), body.count <= 507 else {
        throw WireError(.tooLong, in: "HTIP", at: 0, "the extended address list has \(body.count) octets")
      }
      result.append(Self.ttc(TTCSubtype.extendedAddressList, body))
    }
    for other in others {
      guard (4...127).contains(other.type), other.octets.count <= 511 else {
        throw WireError(
          .malformed, in: "HTIP", at: 0, "a TLV of type \(other.type) with \(other.octets.count) octets")
      }
      result.append(Self.element(other.type, other.octets))
    }
    return result
  }

  private static func ttc(_ subtype: UInt8, _ body: [UInt8]) -> [UInt8] {
    element(TLVType.organisational, organisation + [subtype] + body)
  }

  /// A value has at most 511 octets; all that is given here is shorter.
  private static func element(_ type: UInt8, _ value: [UInt8]) -> [UInt8] {
    let head = UInt16(type) << 9 | UInt16(value.count & 0x1FF)
    return [UInt8(head >> 8), UInt8(head & 0xFF)] + value
  }
}
