import Octets
import SSDP

extension DeviceSearch {
  /// The datagram, for the group that HOST names (UDA 2.0 clause 1.3.2).
  public func octets(group: Endpoint = SSDPMessage.group) -> [UInt8] {
    SSDPSearch(
      searchTarget: target, maximumWait: mx, host: "\(group)", userAgent: ProfileNames.upnpProduct,
      friendlyName: controlPointName
    ).octets
  }
}

extension DiscoverableDevice {
  /// The replies to a search: none where it searches for something else, one for each name for `ssdp:all`.
  ///
  /// - Parameter now: role time, milliseconds since 1970, for the DATE field.
  public func replies(to search: DeviceSearch, now: Int64) -> [[UInt8]] {
    root.answers(to: search.target).map { name in
      SSDPSearchReply(
        searchTarget: name.target, uniqueServiceName: name.uniqueServiceName, location: location, server: server,
        maximumAge: maxAge, bootID: bootID, configurationID: configID,
        otherHeaders: SSDPHeaders([SSDPHeaders.Line(name: "DATE", value: ProfileTime.httpDate(now))])
      ).octets
    }
  }

  /// The `ssdp:alive` notifications, one for each name (UDA 2.0 clause 1.2.2).
  public func aliveNotices(group: Endpoint = SSDPMessage.group) -> [[UInt8]] {
    names.map { name in
      SSDPNotification(
        .alive, notificationType: name.target, uniqueServiceName: name.usn, location: location, server: server,
        maximumAge: maxAge, host: "\(group)", bootID: bootID, configurationID: configID
      ).octets
    }
  }

  /// The `ssdp:byebye` notifications, one for each name (UDA 2.0 clause 1.2.3).
  public func byebyeNotices(group: Endpoint = SSDPMessage.group) -> [[UInt8]] {
    names.map { name in
      SSDPNotification(
        .byebye, notificationType: name.target, uniqueServiceName: name.usn, host: "\(group)", bootID: bootID,
        configurationID: configID
      ).octets
    }
  }
}

extension DiscoveryMessage {
  /// The UUID that a USN begins with, in lower case.
  static func uuid(inUSN usn: String) -> String? { UniqueServiceName(usn)?.uuid.lowercased() }

  /// - Throws: ``WireError`` where a reply or an `ssdp:alive` tells no LOCATION, without which the profile can do nothing.
  init(_ message: SSDPMessage) throws {
    func location(_ value: String?, of kind: String) throws -> String {
      guard let value, !value.isEmpty else {
        throw WireError(.malformed, in: "SSDP", at: 0, "\(kind) without LOCATION")
      }
      return value
    }
    switch message {
    case .search(let search):
      self = .search(
        DeviceSearch(target: search.searchTarget, mx: search.maximumWait, controlPointName: search.friendlyName))
    case .searchReply(let reply):
      self = .reply(
        DeviceReply(
          target: reply.searchTarget, usn: reply.uniqueServiceName,
          location: try location(reply.location, of: "a reply"),
          maxAge: reply.maximumAge))
    case .notify(let notice):
      switch notice.kind {
      case .alive:
        self = .alive(
          DeviceNotice(
            type: notice.notificationType, usn: notice.uniqueServiceName,
            location: try location(notice.location, of: "ssdp:alive"), maxAge: notice.maximumAge))
      case .byebye:
        self = .byebye(
          DeviceNotice(type: notice.notificationType, usn: notice.uniqueServiceName, location: nil, maxAge: nil))
      case .update, .other: self = .other(startLine: "NOTIFY \(notice.kind)")
      }
    }
  }
}
