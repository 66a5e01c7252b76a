import Octets

extension DeviceItem {
  /// Reads the value of an item.
  ///
  /// - Parameter offset: where the value begins.
  init(_ id: DeviceItemID, parsing octets: ArraySlice<UInt8>, at offset: Int, _ reading: inout Reading) throws {
    self.id = id
    switch id.shape?.kind {
    case .text(let limit, let characters):
      value = .text(try Self.text(id, octets, limit: limit, characters, at: offset, &reading))
    case .manufacturerCode:
      let text = try Self.text(id, octets, limit: 6, nil, at: offset, &reading)
      if text.utf8.count != 6 || !text.utf8.allSatisfy(\.isUpperHexDigit) {
        try reading.met(
          .foreignManufacturerCode, at: offset, "\(id) is \"\(text)\", expected six digits of 0-9 A-F")
      }
      value = .text(text)
    case .number(let counts, let limit):
      value = try Self.number(id, octets, counts, limit: limit, at: offset, &reading)
    case .vendor: value = try Self.vendor(octets, at: offset, &reading)
    case nil: value = .octets(Array(octets))
    }
  }

  private static func text(
    _ id: DeviceItemID, _ octets: ArraySlice<UInt8>, limit: Int, _ characters: Set<UInt8>?, at offset: Int,
    _ reading: inout Reading
  ) throws -> String {
    let shown = octets.prefix { $0 != 0 }
    if shown.count < octets.count {
      try reading.met(.nulPaddedText, at: offset + shown.count, "\(id) has a NUL octet")
    }
    if octets.count > limit {
      try reading.met(.longText, at: offset, "\(id) has \(octets.count) octets, expected \(limit) at most")
    }
    if let place = shown.firstIndex(where: { characters?.contains($0) == false }) {
      let at = offset + place - octets.startIndex
      try reading.met(.foreignCharacters, at: at, "\(id) has octet \([octets[place]].hex()), which it may not have")
    }
    if let text = String(validating: shown, as: UTF8.self) { return text }
    try reading.met(.foreignCharacters, at: offset, "\(id) is no UTF-8")
    return String(decoding: shown, as: UTF8.self)
  }

  private static func number(
    _ id: DeviceItemID, _ octets: ArraySlice<UInt8>, _ counts: ClosedRange<Int>, limit: UInt64, at offset: Int,
    _ reading: inout Reading
  ) throws -> Value {
    guard counts.contains(octets.count) else {
      let wanted = counts.count == 1 ? "\(counts.lowerBound)" : "\(counts.lowerBound) to \(counts.upperBound)"
      try reading.met(.numberOutOfRange, at: offset, "\(id) has \(octets.count) octets, expected \(wanted)")
      return (1...8).contains(octets.count) ? .number(bigEndian(octets)) : .octets(Array(octets))
    }
    let number = bigEndian(octets)
    if number > limit {
      try reading.met(.numberOutOfRange, at: offset, "\(id) is \(number), expected \(limit) at most")
    }
    return .number(number)
  }

  private static func bigEndian(_ octets: ArraySlice<UInt8>) -> UInt64 { octets.reduce(0) { $0 << 8 | UInt64($1) } }

  /// `organisation(6) type(1) information`.
  private static func vendor(
    _ octets: ArraySlice<UInt8>, at offset: Int, _ reading: inout Reading
  ) throws -> Value {
    guard octets.count >= 7 else {
      try reading.met(.numberOutOfRange, at: offset, "vendor has \(octets.count) octets, expected 7 at least")
      return .octets(Array(octets))
    }
    let organisation = String(decoding: octets.prefix(6), as: UTF8.self)
    if !octets.prefix(6).allSatisfy(\.isUpperHexDigit) {
      try reading.met(.foreignManufacturerCode, at: offset, "the organisation of vendor is no six digits of 0-9 A-F")
    }
    return .vendor(
      organisation: organisation, type: octets[octets.startIndex + 6], Array(octets.dropFirst(7)))
  }

  /// The body of its TLV after the subtype: `id len value`.
  ///
  /// - Throws: ``WireError`` `malformed` where the value is none that may be sent.
  func octets() throws -> [UInt8] {
    let value = try valueOctets()
    guard value.count <= 255 else {
      throw WireError(.tooLong, in: "HTIP", at: 2, "\(id) has \(value.count) octets, expected 255 at most")
    }
    // What is sent is read strictly once, so that nothing leaves that a strict reader would refuse.
    var strict = Reading(allowing: [])
    _ = try DeviceItem(id, parsing: value[...], at: 2, &strict)
    return [id.rawValue, UInt8(value.count)] + value
  }

  private func valueOctets() throws -> [UInt8] {
    switch value {
    case .text(let text):
      if case .number? = id.shape?.kind { throw WireError(.malformed, in: "HTIP", at: 2, "\(id) is no text") }
      return Array(text.utf8)
    case .octets(let octets): return octets
    case .vendor(let organisation, let type, let information): return Array(organisation.utf8) + [type] + information
    case .number(let number):
      guard case .number(let counts, _)? = id.shape?.kind else {
        throw WireError(.malformed, in: "HTIP", at: 2, "\(id) is no number")
      }
      let needed = max(counts.lowerBound, (64 - number.leadingZeroBitCount + 7) / 8)
      var writer = ByteWriter()
      writer.bigEndian(number, needed)
      return writer.octets
    }
  }
}
