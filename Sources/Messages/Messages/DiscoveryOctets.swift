import Octets

extension DeviceSearch {
  /// The datagram, for the group that HOST names (UDA 2.0 clause 1.3.2).
  public func octets(group: Endpoint = Endpoint(ProfileNames.ssdpGroup, ProfileNames.ssdpPort)) -> [UInt8] {
    var fields: HTTPFields = ["HOST": "\(group)", "MAN": "\"ssdp:discover\""]
    if let mx { fields["MX"] = "\(mx)" }
    fields["ST"] = target
    fields["USER-AGENT"] = "Linux UPnP/2.0 homebed/1"
    if let controlPointName { fields["CPFN.UPNP.ORG"] = controlPointName }
    return DiscoveryMessage.write("M-SEARCH * HTTP/1.1", fields)
  }
}

extension DiscoverableDevice {
  /// The replies to a search: none where it searches for something else, one for each name for `ssdp:all`.
  ///
  /// - Parameter now: role time, milliseconds since 1970, for the DATE field.
  public func replies(to search: DeviceSearch, now: Int64) -> [[UInt8]] {
    let wanted = search.target.lowercased()
    return names.filter { wanted == "ssdp:all" || $0.target.lowercased() == wanted }.map { name in
      DiscoveryMessage.write(
        "HTTP/1.1 200 OK",
        [
          "CACHE-CONTROL": "max-age=\(maxAge)", "DATE": ProfileTime.httpDate(now), "EXT": "", "LOCATION": location,
          "SERVER": server, "ST": name.target, "USN": name.usn, "BOOTID.UPNP.ORG": "\(bootID)",
          "CONFIGID.UPNP.ORG": "\(configID)",
        ])
    }
  }

  /// The `ssdp:alive` notifications, one for each name (UDA 2.0 clause 1.2.2).
  public func aliveNotices(
    group: Endpoint = Endpoint(ProfileNames.ssdpGroup, ProfileNames.ssdpPort)
  ) -> [[UInt8]] {
    names.map { name in
      DiscoveryMessage.write(
        "NOTIFY * HTTP/1.1",
        [
          "HOST": "\(group)", "CACHE-CONTROL": "max-age=\(maxAge)", "LOCATION": location, "NT": name.target,
          "NTS": "ssdp:alive", "SERVER": server, "USN": name.usn, "BOOTID.UPNP.ORG": "\(bootID)",
          "CONFIGID.UPNP.ORG": "\(configID)",
        ])
    }
  }

  /// The `ssdp:byebye` notifications, one for each name (UDA 2.0 clause 1.2.3).
  public func byebyeNotices(
    group: Endpoint = Endpoint(ProfileNames.ssdpGroup, ProfileNames.ssdpPort)
  ) -> [[UInt8]] {
    names.map { name in
      DiscoveryMessage.write(
        "NOTIFY * HTTP/1.1",
        [
          "HOST": "\(group)", "NT": name.target, "NTS": "ssdp:byebye", "USN": name.usn,
          "BOOTID.UPNP.ORG": "\(bootID)", "CONFIGID.UPNP.ORG": "\(configID)",
        ])
    }
  }
}

extension DiscoveryMessage {
  static func write(_ startLine: String, _ fields: HTTPFields) -> [UInt8] {
    var text = startLine + "\r\n"
    for field in fields.list {
      text += field.value.isEmpty ? "\(field.name):\r\n" : "\(field.name): \(field.value)\r\n"
    }
    return Array((text + "\r\n").utf8)
  }

  /// The UUID that a USN begins with, in lower case.
  static func uuid(inUSN usn: String) -> String? {
    guard usn.prefix(5).lowercased() == "uuid:" else { return nil }
    let rest = usn.dropFirst(5)
    let end = rest.firstRange(of: "::")?.lowerBound ?? rest.endIndex
    return end == rest.startIndex ? nil : rest[..<end].lowercased()
  }

  static func read(_ octets: [UInt8]) throws -> DiscoveryMessage {
    let (startLine, fields) = try head(octets)
    func required(_ name: String) throws -> String {
      guard let value = fields[name], !value.isEmpty else {
        throw WireError(.malformed, in: "SSDP", at: 0, "\(startLine) without \(name)")
      }
      return value
    }
    let maxAge = fields["CACHE-CONTROL"].flatMap(maxAge)
    switch startLine {
    case "M-SEARCH * HTTP/1.1":
      _ = try required("HOST")
      guard try required("MAN") == "\"ssdp:discover\"" else {
        throw WireError(.malformed, in: "SSDP", at: 0, "expected MAN: \"ssdp:discover\"")
      }
      var mx: Int?
      if let text = fields["MX"] {
        guard let seconds = Int(text), seconds >= 0 else {
          throw WireError(.malformed, in: "SSDP", at: 0, "expected a number of seconds in MX, found \"\(text)\"")
        }
        mx = seconds
      }
      return .search(
        DeviceSearch(target: try required("ST"), mx: mx, controlPointName: fields["CPFN.UPNP.ORG"]))
    case "NOTIFY * HTTP/1.1":
      let type = try required("NT")
      let usn = try required("USN")
      switch try required("NTS") {
      case "ssdp:alive":
        return .alive(DeviceNotice(type: type, usn: usn, location: try required("LOCATION"), maxAge: maxAge))
      case "ssdp:byebye": return .byebye(DeviceNotice(type: type, usn: usn, location: nil, maxAge: nil))
      default: return .other(startLine: startLine)
      }
    case _ where startLine.hasPrefix("HTTP/1.1 200"):
      return .reply(
        DeviceReply(
          target: try required("ST"), usn: try required("USN"), location: try required("LOCATION"), maxAge: maxAge))
    default: return .other(startLine: startLine)
    }
  }

  private static func maxAge(_ cacheControl: String) -> Int? {
    for directive in cacheControl.split(separator: ",") {
      let parts = directive.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\"" } }
      if parts.count == 2, parts[0].lowercased() == "max-age", let seconds = Int(parts[1]) { return seconds }
    }
    return nil
  }

  private static func head(_ octets: [UInt8]) throws -> (String, HTTPFields) {
    guard octets.count <= 8192 else { throw WireError(.tooLong, in: "SSDP", at: 8192, "more than 8192 octets") }
    guard let text = String(validating: octets, as: UTF8.self) else {
      throw WireError(.malformed, in: "SSDP", at: 0, "not UTF-8")
    }
    var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
    let startLine = String(lines.removeFirst())
    guard startLine.contains("HTTP/1.") else { throw WireError(.malformed, in: "SSDP", at: 0, "no start line") }
    var fields = HTTPFields()
    for line in lines.prefix(while: { !$0.isEmpty }) {
      guard let colon = line.firstIndex(of: ":") else {
        throw WireError(.malformed, in: "SSDP", at: startLine.utf8.count, "a header line without a colon")
      }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      fields.list.append(HTTPFields.Field(String(line[..<colon]), String(value)))
    }
    return (startLine, fields)
  }
}
