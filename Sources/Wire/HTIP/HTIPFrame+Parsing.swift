import Octets

extension HTIPFrame {
  /// Reads an LLDPDU.
  ///
  /// - Parameters:
  ///   - octets: from after the Ethernet header; what follows the End TLV is padding.
  ///   - allowed: which departures pass.
  /// - Returns: the frame, and the departures in it (32 at most).
  /// - Throws: ``WireError`` with the offset of a TLV that runs past the end or says what no reader can take, or of a
  ///   departure that is not allowed.
  public static func parse(
    _ octets: ArraySlice<UInt8>, allowing allowed: Set<Leniency> = Set(Leniency.allCases)
  ) throws -> (frame: HTIPFrame, departures: [Departure]) {
    var reading = Reading(allowing: allowed)
    var reader = ByteReader(octets, format: "HTIP")
    let chassis = try identity(TLVType.chassisID, "the chassis ID", &reader)
    let chassisID = ChassisID(subtype: chassis.subtype, chassis.value)
    if !chassisID.isLegal {
      try reading.met(
        .foreignChassis, at: chassis.offset,
        "the chassis ID has subtype \(chassis.subtype) and \(chassis.value.count) octets, expected a MAC address")
    }
    let port = try identity(TLVType.portID, "the port ID", &reader)
    let life = try element(&reader)
    guard life.type == TLVType.timeToLive, life.value.count >= 2 else {
      throw WireError(.malformed, in: "HTIP", at: life.offset, "expected a time to live as the third TLV")
    }
    if life.value.count > 2 {
      try reading.met(.trailingOctets, at: life.offset + 4, "the time to live has \(life.value.count) octets")
    }
    var frame = HTIPFrame(
      chassis: chassisID, port: PortID(subtype: port.subtype, port.value), timeToLive: life.value.uint16(at: 0))
    try frame.readOptional(&reader, &reading)
    if let interval = frame[.interval]?.number, frame.timeToLive > 0, UInt64(frame.timeToLive) < 2 * interval {
      try reading.met(
        .shortTimeToLive, at: life.offset,
        "a time to live of \(frame.timeToLive) s with an interval of \(interval) s, expected twice as much at least")
    }
    return (frame, reading.departures)
  }

  private struct Element {
    var type: UInt8
    var offset: Int
    var value: ArraySlice<UInt8>
  }

  private static func element(_ reader: inout ByteReader) throws -> Element {
    let offset = reader.offset
    let head = try reader.uint16("a TLV")
    let type = UInt8(head >> 9)
    return Element(type: type, offset: offset, value: try reader.take(Int(head & 0x1FF), "the TLV of type \(type)"))
  }

  private static func identity(
    _ type: UInt8, _ what: String, _ reader: inout ByteReader
  ) throws -> (subtype: UInt8, value: ArraySlice<UInt8>, offset: Int) {
    let element = try element(&reader)
    guard element.type == type, let subtype = element.value.first else {
      throw WireError(
        .malformed, in: "HTIP", at: element.offset,
        "TLV \(type == 1 ? 1 : 2) has type \(element.type) and \(element.value.count) octets, expected \(what)")
    }
    return (subtype, element.value.dropFirst(), element.offset)
  }

  private mutating func readOptional(_ reader: inout ByteReader, _ reading: inout Reading) throws {
    while true {
      guard !reader.isAtEnd else {
        return try reading.met(.missingEnd, at: reader.offset, "the frame ends without an End TLV")
      }
      let element = try Self.element(&reader)
      switch element.type {
      case TLVType.end: return
      case TLVType.chassisID, TLVType.portID, TLVType.timeToLive:
        throw WireError(.malformed, in: "HTIP", at: element.offset, "a TLV of type \(element.type) a second time")
      case TLVType.portDescription: portDescription = String(decoding: element.value, as: UTF8.self)
      case TLVType.organisational where element.value.starts(with: Self.organisation) && element.value.count > 3:
        try readTTC(element, &reading)
      default: others.append(Other(type: element.type, octets: Array(element.value)))
      }
    }
  }

  private mutating func readTTC(_ element: Element, _ reading: inout Reading) throws {
    let body = element.value.dropFirst(4)
    // After type and length, the organisation and the subtype.
    let offset = element.offset + 6
    switch element.value.uint8(at: 3) {
    case TTCSubtype.deviceInformation: try readItem(body, at: offset, &reading)
    case TTCSubtype.linkInformation:
      let part = try LinkInformation(parsing: body, at: offset, &reading)
      guard let place = links.firstIndex(where: { $0.port == part.port }) else { return links.append(part) }
      if part.addresses.isEmpty {
        try reading.met(.emptyRepetition, at: offset, "port \(part.port) again, without an address")
      }
      // A reader takes the union, whatever a sender repeats.
      let known = Set(links[place].addresses)
      links[place].addresses += part.addresses.filter { !known.contains($0) }
    case TTCSubtype.addressList: addresses += try AddressList.macAddresses(parsing: body, at: offset, &reading)
    case TTCSubtype.extendedAddressList:
      extendedAddresses += try AddressList.addresses(parsing: body, at: offset, &reading)
    default: others.append(Other(type: element.type, octets: Array(element.value)))
    }
  }

  private mutating func readItem(_ body: ArraySlice<UInt8>, at offset: Int, _ reading: inout Reading) throws {
    var reader = ByteReader(body, format: "HTIP", base: offset)
    let id = DeviceItemID(rawValue: try reader.uint8("the ID of an item"))
    if id == .vendor, let item = try vendorWithoutLength(body, at: offset, &reading) { return items.append(item) }
    let length = Int(try reader.uint8("the length of \(id)"))
    let value = try reader.take(length, "\(id)")
    if self[id] != nil, id != .vendor { try reading.met(.repeatedItem, at: offset, "\(id) a second time") }
    items.append(try DeviceItem(id, parsing: value, at: offset + 2, &reading))
    if !reader.isAtEnd { try reading.met(.trailingOctets, at: reader.offset, "\(reader.remaining) octets after \(id)") }
  }

  /// `255 organisation(6) type(1) length(1) information`, as one sender writes it: the octet after the ID is no length.
  private func vendorWithoutLength(
    _ body: ArraySlice<UInt8>, at offset: Int, _ reading: inout Reading
  ) throws -> DeviceItem? {
    guard body.count >= 9, Int(body.uint8(at: 1)) != body.count - 2, Int(body.uint8(at: 8)) == body.count - 9 else {
      return nil
    }
    try reading.met(.vendorLength, at: offset + 1, "vendor tells its length after its type")
    let value = body[(body.startIndex + 1)..<(body.startIndex + 8)] + body.dropFirst(9)
    return try DeviceItem(.vendor, parsing: value, at: offset + 1, &reading)
  }
}
