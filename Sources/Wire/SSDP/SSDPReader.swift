import Octets

/// Reads one datagram, line by line.
struct SSDPReader {
  let octets: [UInt8]
  let rules: SSDPRules
  private var position = 0
  /// Where each header line begins, by name in lower case, for errors.
  private var places: [(name: String, offset: Int)] = []

  init(octets: [UInt8], rules: SSDPRules) {
    self.octets = octets
    self.rules = rules
  }

  private func fault(_ reason: String, at offset: Int, _ code: WireError.Code = .malformed) -> WireError {
    WireError(code, in: "SSDP", at: offset, reason)
  }

  mutating func message() throws -> SSDPMessage {
    guard octets.count <= rules.maximumLength else {
      throw fault("more than \(rules.maximumLength) octets", at: rules.maximumLength, .tooLong)
    }
    guard let start = try line() else { throw fault("an empty datagram", at: 0, .truncated) }
    let startLine = text(start)
    var headers = try headers()
    switch startLine {
    case "M-SEARCH * HTTP/1.1", "M-SEARCH * HTTP/1.0": return .search(try search(&headers))
    case "NOTIFY * HTTP/1.1", "NOTIFY * HTTP/1.0": return .notify(try notification(&headers))
    default: break
    }
    let parts = startLine.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count >= 2, parts[0] == "HTTP/1.1" || parts[0] == "HTTP/1.0" else {
      throw fault("the start line \"\(startLine.prefix(60))\", expected M-SEARCH, NOTIFY or HTTP/1.1 200", at: 0)
    }
    guard parts[1] == "200" else { throw fault("status \(parts[1].prefix(9)), expected 200", at: 9, .unsupported) }
    return .searchReply(try reply(&headers))
  }

  /// The next line without its end; `nil` at the end of the datagram.
  private mutating func line() throws -> Range<Int>? {
    guard position < octets.count else { return nil }
    let start = position
    guard let end = octets[start...].firstIndex(of: 0x0A) else {
      guard rules.missingEmptyLineAllowed else { throw fault("a line without an end", at: start, .truncated) }
      position = octets.count
      return start..<(octets.last == 0x0D ? octets.count - 1 : octets.count)
    }
    position = end + 1
    if end > start, octets[end - 1] == 0x0D { return start..<end - 1 }
    guard rules.lineFeedAloneAllowed else { throw fault("LF without CR", at: end) }
    return start..<end
  }

  /// UTF-8, or where the octets are none, Latin-1, so that nothing is lost.
  private func text(_ range: Range<Int>) -> String {
    let part = octets[range]
    if let text = String(validating: part, as: UTF8.self) { return text }
    var text = ""
    for octet in part { text.unicodeScalars.append(Unicode.Scalar(octet)) }
    return text
  }

  private mutating func headers() throws -> SSDPHeaders {
    var headers = SSDPHeaders()
    while let line = try line() {
      if line.isEmpty {
        guard position == octets.count || rules.trailingOctetsAllowed else {
          throw fault("\(octets.count - position) octets behind the empty line", at: position)
        }
        return headers
      }
      guard headers.lines.count < rules.maximumHeaders else {
        throw fault("more than \(rules.maximumHeaders) headers", at: line.lowerBound, .tooLong)
      }
      headers.lines.append(try header(line))
    }
    guard rules.missingEmptyLineAllowed else { throw fault("no empty line at the end", at: octets.count, .truncated) }
    return headers
  }

  private mutating func header(_ line: Range<Int>) throws -> SSDPHeaders.Line {
    guard let colon = octets[line].firstIndex(of: UInt8(ascii: ":")) else {
      throw fault("a header line without a colon", at: line.lowerBound)
    }
    guard colon > line.lowerBound else { throw fault("a header without a name", at: line.lowerBound) }
    if let odd = octets[line.lowerBound..<colon].firstIndex(where: { !Self.isTokenOctet($0) }) {
      throw fault("octet 0x\([octets[odd]].hex()) in a header's name", at: odd)
    }
    var value = colon + 1..<line.upperBound
    while let first = value.first, octets[first] == 0x20 || octets[first] == 0x09 { value = value.dropFirst() }
    while let last = value.last, octets[last] == 0x20 || octets[last] == 0x09 { value = value.dropLast() }
    if let odd = octets[value].firstIndex(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) {
      throw fault("a control character in a header's value", at: odd)
    }
    let name = text(line.lowerBound..<colon)
    places.append((name, line.lowerBound))
    return SSDPHeaders.Line(name: name, value: text(value))
  }

  /// The characters of a token (RFC 9110, 5.6.2).
  private static func isTokenOctet(_ octet: UInt8) -> Bool {
    switch octet {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
    default: false
    }
  }

  private func place(_ name: String) -> Int {
    places.first { SSDPHeaders.isSame($0.name, name) }?.offset ?? octets.count
  }

  /// Takes a field that a message has once at most.
  private func single(_ name: String, _ headers: inout SSDPHeaders) throws -> String? {
    let value = headers.take(name)
    guard value == nil || !headers.contains(name) else { throw fault("\(name) a second time", at: place(name)) }
    return value
  }

  private func required(_ name: String, _ headers: inout SSDPHeaders) throws -> String {
    guard let value = try single(name, &headers) else { throw fault("no \(name)", at: octets.count) }
    guard !value.isEmpty else { throw fault("an empty \(name)", at: place(name)) }
    return value
  }

  private func host(_ headers: inout SSDPHeaders) throws -> String {
    rules.missingHostAllowed ? try single("HOST", &headers) ?? "" : try required("HOST", &headers)
  }

  /// The max-age of CACHE-CONTROL; the line stays where it tells something else too.
  private func maximumAge(_ headers: inout SSDPHeaders) throws -> Int? {
    guard let value = headers["CACHE-CONTROL"] else { return nil }
    let directives = value.split(separator: ",", omittingEmptySubsequences: false)
    for directive in directives {
      let parts = directive.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\t" } }
      guard parts.count == 2, SSDPHeaders.isSame(parts[0], "max-age"), let age = SSDPHeaders.number(parts[1]) else {
        continue
      }
      if directives.count == 1 { _ = try single("CACHE-CONTROL", &headers) }
      return age
    }
    return nil
  }

  private func port(_ name: String, _ headers: inout SSDPHeaders) -> UInt16? {
    headers.takeNumber(name, in: 0...65535).map { UInt16($0) }
  }

  private static let bootIDs = 0...0x7FFF_FFFF
  private static let configurationIDs = 0...0xFF_FFFF

  // UDA 2.0, 1.3.2
  private func search(_ headers: inout SSDPHeaders) throws -> SSDPSearch {
    let host = try host(&headers)
    let man = try required("MAN", &headers)
    guard man == "\"ssdp:discover\"" || rules.unquotedMANAllowed && man == "ssdp:discover" else {
      throw fault("MAN \(man.prefix(40)), expected \"ssdp:discover\" in quotation marks", at: place("MAN"))
    }
    var maximumWait: Int?
    if let text = try single("MX", &headers) {
      guard let seconds = SSDPHeaders.number(text), seconds >= 1 else {
        throw fault("MX \(text.prefix(20)), expected a number of seconds from 1", at: place("MX"))
      }
      maximumWait = seconds
    }
    return SSDPSearch(
      searchTarget: try required("ST", &headers), maximumWait: maximumWait, host: host,
      userAgent: try single("USER-AGENT", &headers), tcpPort: port("TCPPORT.UPNP.ORG", &headers),
      friendlyName: try single("CPFN.UPNP.ORG", &headers), controlPointUUID: try single("CPUUID.UPNP.ORG", &headers),
      otherHeaders: headers)
  }

  // UDA 2.0, 1.3.3
  private func reply(_ headers: inout SSDPHeaders) throws -> SSDPSearchReply {
    let target = try required("ST", &headers)
    let name = try required("USN", &headers)
    try requireAdvertisementFields(headers)
    _ = try single("EXT", &headers)
    return SSDPSearchReply(
      searchTarget: target, uniqueServiceName: name, location: try single("LOCATION", &headers),
      server: try single("SERVER", &headers), maximumAge: try maximumAge(&headers),
      bootID: headers.takeNumber("BOOTID.UPNP.ORG", in: Self.bootIDs),
      configurationID: headers.takeNumber("CONFIGID.UPNP.ORG", in: Self.configurationIDs),
      searchPort: port("SEARCHPORT.UPNP.ORG", &headers), otherHeaders: headers)
  }

  // UDA 2.0, 1.2.2 to 1.2.4
  private func notification(_ headers: inout SSDPHeaders) throws -> SSDPNotification {
    let host = try host(&headers)
    let kind = SSDPNotification.Kind(try required("NTS", &headers))
    if kind == .alive { try requireAdvertisementFields(headers) }
    return SSDPNotification(
      kind, notificationType: try required("NT", &headers), uniqueServiceName: try required("USN", &headers),
      location: try single("LOCATION", &headers), server: try single("SERVER", &headers),
      maximumAge: try maximumAge(&headers), host: host,
      bootID: headers.takeNumber("BOOTID.UPNP.ORG", in: Self.bootIDs),
      configurationID: headers.takeNumber("CONFIGID.UPNP.ORG", in: Self.configurationIDs),
      nextBootID: headers.takeNumber("NEXTBOOTID.UPNP.ORG", in: Self.bootIDs),
      searchPort: port("SEARCHPORT.UPNP.ORG", &headers), otherHeaders: headers)
  }

  private func requireAdvertisementFields(_ headers: SSDPHeaders) throws {
    guard !rules.missingAdvertisementFieldsAllowed else { return }
    for name in ["CACHE-CONTROL", "LOCATION", "SERVER"] where !headers.contains(name) {
      throw fault("no \(name)", at: octets.count)
    }
  }
}
