import Octets

/// What SSDP sends in one datagram (UPnP Device Architecture 2.0, clause 1).
public enum SSDPMessage: Sendable, Hashable {
  case search(SSDPSearch)
  case searchReply(SSDPSearchReply)
  case notify(SSDPNotification)

  /// The group that searches and notifications go to: 239.255.255.250:1900.
  public static let group = Endpoint(.v4(0xEFFF_FFFA), 1900)

  /// Reads one datagram.
  ///
  /// - Throws: ``WireError`` with the octet and the reason; `unsupported` for other methods and status codes.
  public init(parsing octets: some Collection<UInt8>, rules: SSDPRules = SSDPRules()) throws {
    var reader = SSDPReader(octets: Array(octets.prefix(rules.maximumLength + 1)), rules: rules)
    self = try reader.message()
  }

  /// The datagram as UDA 2.0 writes it: CRLF, and an empty line at the end.
  public var octets: [UInt8] {
    switch self {
    case .search(let search): search.octets
    case .searchReply(let reply): reply.octets
    case .notify(let notification): notification.octets
    }
  }

  /// Every header line as it would be written.
  public var headers: SSDPHeaders {
    switch self {
    case .search(let search): search.headers
    case .searchReply(let reply): reply.headers
    case .notify(let notification): notification.headers
    }
  }
}

/// A search, `M-SEARCH` (UDA 2.0, 1.3.2 and 1.3.3).
public struct SSDPSearch: Sendable, Hashable {
  /// HOST; empty where a leniency took a message without.
  public var host: String
  /// MX, in seconds, at least 1; `nil` in a unicast search.
  public var maximumWait: Int?
  /// ST, such as `ssdp:all`, `upnp:rootdevice`, `uuid:...` or a device type.
  public var searchTarget: String
  /// USER-AGENT.
  public var userAgent: String?
  /// TCPPORT.UPNP.ORG.
  public var tcpPort: UInt16?
  /// CPFN.UPNP.ORG: the control point's friendly name, which UDA 2.0 asks of multicast searches.
  public var friendlyName: String?
  /// CPUUID.UPNP.ORG.
  public var controlPointUUID: String?
  /// All other header lines.
  public var otherHeaders: SSDPHeaders

  public init(
    searchTarget: String, maximumWait: Int?, host: String = SSDPMessage.group.description, userAgent: String? = nil,
    tcpPort: UInt16? = nil, friendlyName: String? = nil, controlPointUUID: String? = nil,
    otherHeaders: SSDPHeaders = SSDPHeaders()
  ) {
    self.host = host
    self.maximumWait = maximumWait
    self.searchTarget = searchTarget
    self.userAgent = userAgent
    self.tcpPort = tcpPort
    self.friendlyName = friendlyName
    self.controlPointUUID = controlPointUUID
    self.otherHeaders = otherHeaders
  }

  public var headers: SSDPHeaders {
    SSDPHeaders(
      [
        ("HOST", host.isEmpty ? nil : host), ("MAN", "\"ssdp:discover\""), ("MX", maximumWait?.description),
        ("ST", searchTarget),
        ("USER-AGENT", userAgent), ("TCPPORT.UPNP.ORG", tcpPort?.description), ("CPFN.UPNP.ORG", friendlyName),
        ("CPUUID.UPNP.ORG", controlPointUUID),
      ], otherHeaders)
  }

  public var octets: [UInt8] { headers.octets(startLine: "M-SEARCH * HTTP/1.1") }
}

/// The reply to a search (UDA 2.0, 1.3.3).
public struct SSDPSearchReply: Sendable, Hashable {
  /// CACHE-CONTROL max-age, in seconds.
  public var maximumAge: Int?
  /// LOCATION: the URL of the device description.
  public var location: String?
  /// SERVER.
  public var server: String?
  /// ST, as searched for; for `ssdp:all` one of the device's own targets.
  public var searchTarget: String
  /// USN.
  public var uniqueServiceName: String
  /// BOOTID.UPNP.ORG, 0 to 2^31-1.
  public var bootID: Int?
  /// CONFIGID.UPNP.ORG, 0 to 2^24-1.
  public var configurationID: Int?
  /// SEARCHPORT.UPNP.ORG.
  public var searchPort: UInt16?
  /// All other header lines, DATE among them.
  public var otherHeaders: SSDPHeaders

  public init(
    searchTarget: String, uniqueServiceName: String, location: String?, server: String?, maximumAge: Int? = 1800,
    bootID: Int? = nil, configurationID: Int? = nil, searchPort: UInt16? = nil,
    otherHeaders: SSDPHeaders = SSDPHeaders()
  ) {
    self.maximumAge = maximumAge
    self.location = location
    self.server = server
    self.searchTarget = searchTarget
    self.uniqueServiceName = uniqueServiceName
    self.bootID = bootID
    self.configurationID = configurationID
    self.searchPort = searchPort
    self.otherHeaders = otherHeaders
  }

  public var headers: SSDPHeaders {
    SSDPHeaders(
      [
        ("CACHE-CONTROL", otherHeaders.contains("CACHE-CONTROL") ? nil : maximumAge.map { "max-age=\($0)" }),
        ("EXT", ""),
        ("LOCATION", location), ("SERVER", server), ("ST", searchTarget), ("USN", uniqueServiceName),
        ("BOOTID.UPNP.ORG", bootID?.description), ("CONFIGID.UPNP.ORG", configurationID?.description),
        ("SEARCHPORT.UPNP.ORG", searchPort?.description),
      ], otherHeaders)
  }

  public var octets: [UInt8] { headers.octets(startLine: "HTTP/1.1 200 OK") }

  /// The UUID in the USN.
  public var uuid: String? { UniqueServiceName(uniqueServiceName)?.uuid }
}

/// An advertisement, `NOTIFY` (UDA 2.0, 1.2).
public struct SSDPNotification: Sendable, Hashable {
  /// NTS: what is notified.
  public enum Kind: Sendable, Hashable, CustomStringConvertible {
    case alive
    case byebye
    case update
    case other(String)

    public init(_ text: String) {
      self =
        switch text {
        case "ssdp:alive": .alive
        case "ssdp:byebye": .byebye
        case "ssdp:update": .update
        default: .other(text)
        }
    }

    public var description: String {
      switch self {
      case .alive: "ssdp:alive"
      case .byebye: "ssdp:byebye"
      case .update: "ssdp:update"
      case .other(let text): text
      }
    }
  }

  /// HOST; empty where a leniency took a message without.
  public var host: String
  public var kind: Kind
  /// NT.
  public var notificationType: String
  /// USN.
  public var uniqueServiceName: String
  /// CACHE-CONTROL max-age, in seconds.
  public var maximumAge: Int?
  /// LOCATION: the URL of the device description.
  public var location: String?
  /// SERVER.
  public var server: String?
  /// BOOTID.UPNP.ORG, 0 to 2^31-1.
  public var bootID: Int?
  /// CONFIGID.UPNP.ORG, 0 to 2^24-1.
  public var configurationID: Int?
  /// NEXTBOOTID.UPNP.ORG, 0 to 2^31-1, in an update.
  public var nextBootID: Int?
  /// SEARCHPORT.UPNP.ORG.
  public var searchPort: UInt16?
  /// All other header lines.
  public var otherHeaders: SSDPHeaders

  public init(
    _ kind: Kind, notificationType: String, uniqueServiceName: String, location: String? = nil, server: String? = nil,
    maximumAge: Int? = nil, host: String = SSDPMessage.group.description, bootID: Int? = nil,
    configurationID: Int? = nil, nextBootID: Int? = nil, searchPort: UInt16? = nil,
    otherHeaders: SSDPHeaders = SSDPHeaders()
  ) {
    self.host = host
    self.kind = kind
    self.notificationType = notificationType
    self.uniqueServiceName = uniqueServiceName
    self.maximumAge = maximumAge
    self.location = location
    self.server = server
    self.bootID = bootID
    self.configurationID = configurationID
    self.nextBootID = nextBootID
    self.searchPort = searchPort
    self.otherHeaders = otherHeaders
  }

  public var headers: SSDPHeaders {
    SSDPHeaders(
      [
        ("HOST", host.isEmpty ? nil : host),
        ("CACHE-CONTROL", otherHeaders.contains("CACHE-CONTROL") ? nil : maximumAge.map { "max-age=\($0)" }),
        ("LOCATION", location), ("NT", notificationType), ("NTS", kind.description), ("SERVER", server),
        ("USN", uniqueServiceName), ("BOOTID.UPNP.ORG", bootID?.description),
        ("CONFIGID.UPNP.ORG", configurationID?.description), ("NEXTBOOTID.UPNP.ORG", nextBootID?.description),
        ("SEARCHPORT.UPNP.ORG", searchPort?.description),
      ], otherHeaders)
  }

  public var octets: [UInt8] { headers.octets(startLine: "NOTIFY * HTTP/1.1") }

  /// The UUID in the USN.
  public var uuid: String? { UniqueServiceName(uniqueServiceName)?.uuid }
}

extension SSDPHeaders {
  /// The fields that have a value, then the others.
  init(_ fields: [(String, String?)], _ others: SSDPHeaders) {
    lines = fields.compactMap { name, value in value.map { Line(name: name, value: $0) } } + others.lines
  }

  /// Control characters but the tab are written as blanks, so that no value ends its line.
  func octets(startLine: String) -> [UInt8] {
    var octets = Array(startLine.utf8) + [0x0D, 0x0A]
    for line in lines {
      octets += line.name.utf8.map { $0 <= 0x20 || $0 == 0x3A || $0 == 0x7F ? 0x2D : $0 }
      octets.append(UInt8(ascii: ":"))
      if !line.value.isEmpty { octets.append(0x20) }
      octets += line.value.utf8.map { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F ? 0x20 : $0 }
      octets += [0x0D, 0x0A]
    }
    return octets + [0x0D, 0x0A]
  }
}
