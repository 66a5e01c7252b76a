import Octets
import SSDP
import Testing

/// Lines joined and ended as HTTP does, with the empty line.
private func datagram(_ lines: String...) -> [UInt8] { Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) }

@Suite struct SSDPMessageTests {
  static let configurator = "urn:schemas-homebed:device:Configurator:1"
  static let uuid = "0b5c5a1e-3c52-4c51-9d3c-0d8f2a6f0001"

  @Test func aSearchIsWrittenByTheBook() throws {
    let search = SSDPSearch(searchTarget: Self.configurator, maximumWait: 1, friendlyName: "tv")
    #expect(
      search.octets
        == datagram(
          "M-SEARCH * HTTP/1.1", "HOST: 239.255.255.250:1900", "MAN: \"ssdp:discover\"", "MX: 1",
          "ST: \(Self.configurator)", "CPFN.UPNP.ORG: tv"))
    #expect(try SSDPMessage(parsing: search.octets, rules: .strict) == .search(search))
  }

  @Test func aReplyIsWrittenByTheBook() throws {
    let reply = SSDPSearchReply(
      searchTarget: Self.configurator, uniqueServiceName: "uuid:\(Self.uuid)::\(Self.configurator)",
      location: "http://192.168.10.2:49200/description.xml", server: "Linux/6 UPnP/2.0 homebed/1", bootID: 7,
      configurationID: 1)
    #expect(
      reply.octets
        == datagram(
          "HTTP/1.1 200 OK", "CACHE-CONTROL: max-age=1800", "EXT:",
          "LOCATION: http://192.168.10.2:49200/description.xml", "SERVER: Linux/6 UPnP/2.0 homebed/1",
          "ST: \(Self.configurator)", "USN: uuid:\(Self.uuid)::\(Self.configurator)", "BOOTID.UPNP.ORG: 7",
          "CONFIGID.UPNP.ORG: 1"))
    #expect(try SSDPMessage(parsing: reply.octets, rules: .strict) == .searchReply(reply))
    #expect(reply.uuid == Self.uuid)
  }

  @Test(arguments: [SSDPNotification.Kind.alive, .byebye, .update, .other("upnp:propchange")])
  func notificationsRoundTrip(kind: SSDPNotification.Kind) throws {
    let notification = SSDPNotification(
      kind, notificationType: "upnp:rootdevice", uniqueServiceName: "uuid:\(Self.uuid)::upnp:rootdevice",
      location: "http://192.168.10.2:49200/", server: "a/1 UPnP/2.0 b/1", maximumAge: 1800, bootID: 1,
      configurationID: 2, nextBootID: kind == .update ? 2 : nil, searchPort: 50000,
      otherHeaders: SSDPHeaders([.init(name: "X-Odd", value: "kept")]))
    #expect(try SSDPMessage(parsing: notification.octets, rules: .strict) == .notify(notification))
  }

  @Test func namesCompareWithoutCaseAndOddHeadersKeepTheirOrder() throws {
    let message = try SSDPMessage(
      parsing: datagram(
        "M-SEARCH * HTTP/1.1", "x-second-thoughts: none", "hOsT: h:1", "mx:3", "Man:\"ssdp:discover\"", "X-A:",
        "st:   ssdp:all\t", "X-A: again"))
    guard case .search(let search) = message else { throw WireError(.malformed, in: "test", at: 0, "no search") }
    #expect(search.searchTarget == "ssdp:all")
    #expect(search.maximumWait == 3)
    #expect(search.otherHeaders.lines.map(\.name) == ["x-second-thoughts", "X-A", "X-A"])
    #expect(search.otherHeaders["x-a"] == "")
  }

  /// One fault each.
  static let refused: [(why: String, code: WireError.Code, octets: [UInt8])] = [
    ("nothing", .truncated, []),
    ("no start line", .malformed, Array("\r\n\r\n".utf8)),
    ("another method", .malformed, datagram("GET / HTTP/1.1", "HOST: h")),
    ("another status", .unsupported, datagram("HTTP/1.1 404 Not Found")),
    ("a method in lower case", .malformed, datagram("m-search * HTTP/1.1", "HOST: h")),
    ("no HOST", .malformed, datagram("M-SEARCH * HTTP/1.1", "MAN: \"ssdp:discover\"", "MX: 1", "ST: ssdp:all")),
    ("no MAN", .malformed, datagram("M-SEARCH * HTTP/1.1", "HOST: h", "MX: 1", "ST: ssdp:all")),
    (
      "MAN without quotation marks", .malformed,
      datagram("M-SEARCH * HTTP/1.1", "HOST: h", "MAN: ssdp:discover", "MX: 1", "ST: ssdp:all")
    ),
    ("no ST", .malformed, datagram("M-SEARCH * HTTP/1.1", "HOST: h", "MAN: \"ssdp:discover\"", "MX: 1")),
    ("an empty ST", .malformed, datagram("M-SEARCH * HTTP/1.1", "HOST: h", "MAN: \"ssdp:discover\"", "MX: 1", "ST:")),
    (
      "two STs", .malformed,
      datagram("M-SEARCH * HTTP/1.1", "HOST: h", "MAN: \"ssdp:discover\"", "MX: 1", "ST: a", "ST: b")
    ),
    (
      "an MX of zero", .malformed,
      datagram("M-SEARCH * HTTP/1.1", "HOST: h", "MAN: \"ssdp:discover\"", "MX: 0", "ST: a")
    ),
    (
      "an MX that is no number", .malformed,
      datagram("M-SEARCH * HTTP/1.1", "HOST: h", "MAN: \"ssdp:discover\"", "MX: soon", "ST: a")
    ),
    ("no colon", .malformed, datagram("M-SEARCH * HTTP/1.1", "HOST")),
    ("no name", .malformed, datagram("M-SEARCH * HTTP/1.1", ": h")),
    ("a blank before the colon", .malformed, datagram("M-SEARCH * HTTP/1.1", "HOST : h")),
    ("a folded line", .malformed, datagram("M-SEARCH * HTTP/1.1", "HOST: h", " more: b")),
    ("a NUL", .malformed, datagram("M-SEARCH * HTTP/1.1", "HOST: h\0")),
    ("a reply without USN", .malformed, datagram("HTTP/1.1 200 OK", "ST: a")),
    ("a notification without NTS", .malformed, datagram("NOTIFY * HTTP/1.1", "HOST: h", "NT: a", "USN: uuid:b")),
    ("too many headers", .tooLong, Array(("NOTIFY * HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 65)).utf8)),
    ("too many octets", .tooLong, Array(("NOTIFY * HTTP/1.1\r\nA: " + String(repeating: "b", count: 8192)).utf8)),
  ]

  @Test(arguments: refused.indices) func faultyDatagramsAreRefusedWithTheirReason(index: Int) {
    let (why, code, octets) = Self.refused[index]
    do {
      let message = try SSDPMessage(parsing: octets)
      Issue.record("\(why) was taken: \(message)")
    } catch let error as WireError {
      #expect(error.code == code, "\(why): \(error)")
      #expect((0...octets.count).contains(error.offset), "\(why): \(error)")
    } catch {
      Issue.record("\(why): \(error)")
    }
  }

  /// What the default rules take and the strict ones refuse.
  @Test(arguments: [
    "HTTP/1.1 200 OK\nST: a\nUSN: uuid:b\nLOCATION: c\nSERVER: d\nCACHE-CONTROL: max-age=1\n\n",
    "HTTP/1.1 200 OK\r\nST: a\r\nUSN: uuid:b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nST: a\r\nUSN: uuid:b\r\nLOCATION: c\r\nSERVER: d\r\nCACHE-CONTROL: max-age=1\r\n",
    "HTTP/1.1 200 OK\r\nST: a\r\nUSN: uuid:b\r\nLOCATION: c\r\nSERVER: d\r\nCACHE-CONTROL: max-age=1\r\n\r\nmore",
  ]) func leniencies(text: String) throws {
    #expect(throws: WireError.self) { try SSDPMessage(parsing: text.utf8, rules: .strict) }
    #expect(try SSDPMessage(parsing: text.utf8).headers["USN"] == "uuid:b")
  }

  @Test func namedLeniencies() throws {
    var rules = SSDPRules()
    rules.unquotedMANAllowed = true
    rules.missingHostAllowed = true
    let octets = datagram("M-SEARCH * HTTP/1.1", "MAN: ssdp:discover", "ST: a")
    let message = try SSDPMessage(parsing: octets, rules: rules)
    #expect(message == .search(SSDPSearch(searchTarget: "a", maximumWait: nil, host: "")))
  }

  @Test(arguments: [
    ("max-age=1800", 1800), ("max-age = 60", 60), ("no-cache=\"Ext\", max-age=5000, no-cache", 5000),
    ("MAX-AGE=1", 1), ("max-age=soon", nil), ("no-cache", nil), ("max-age=99999999999", nil),
  ]) func cacheControl(text: String, age: Int?) throws {
    let message = try SSDPMessage(
      parsing: datagram("HTTP/1.1 200 OK", "CACHE-CONTROL: \(text)", "ST: a", "USN: uuid:b"))
    guard case .searchReply(let reply) = message else { throw WireError(.malformed, in: "test", at: 0, "no reply") }
    #expect(reply.maximumAge == age)
    #expect(try SSDPMessage(parsing: message.octets) == message)
  }

  @Test func numbersOutOfRangeStayAmongTheOtherHeaders() throws {
    let message = try SSDPMessage(
      parsing: datagram(
        "HTTP/1.1 200 OK", "ST: a", "USN: uuid:b", "BOOTID.UPNP.ORG: 2147483648", "CONFIGID.UPNP.ORG: -1",
        "SEARCHPORT.UPNP.ORG: 65536"))
    guard case .searchReply(let reply) = message else { throw WireError(.malformed, in: "test", at: 0, "no reply") }
    #expect(reply.bootID == nil && reply.configurationID == nil && reply.searchPort == nil)
    #expect(reply.otherHeaders.lines.count == 3)
  }

  @Test func octetsThatAreNoUTF8AreKeptAsLatin1() throws {
    var octets = Array("HTTP/1.1 200 OK\r\nST: a\r\nUSN: uuid:b\r\nSERVER: K".utf8)
    octets += [0xFC, 0x63, 0x68, 0x65]
    #expect(try SSDPMessage(parsing: octets).headers["server"] == "Küche")
  }

  @Test func valuesCannotAddLines() throws {
    let search = SSDPSearch(searchTarget: "a\r\nEVIL: b", maximumWait: 1)
    #expect(try SSDPMessage(parsing: search.octets).headers["EVIL"] == nil)
  }
}

@Suite struct SSDPNameTests {
  @Test(arguments: [
    ("uuid:abc::urn:x:device:y:1", "abc", "urn:x:device:y:1"), ("uuid:abc", "abc", nil), ("UUID:a::b::c", "a", "b::c"),
  ]) func uniqueServiceNamesAreSplit(text: String, uuid: String, target: String?) {
    #expect(UniqueServiceName(text) == UniqueServiceName(uuid: uuid, target: target))
  }

  @Test(arguments: ["", "uuid", "uuid:", "uuid:::x", "uuid:a::", "urn:a::b"]) func othersAreRefused(text: String) {
    #expect(UniqueServiceName(text) == nil)
  }

  private let device = SSDPRootDevice(uuid: "abc", deviceType: "urn:schemas-homebed:device:Configurator:2")

  @Test(arguments: [
    ("ssdp:all", 3), ("upnp:rootdevice", 1), ("uuid:abc", 1), ("UUID:ABC", 1), ("uuid:abd", 0),
    ("urn:schemas-homebed:device:Configurator:2", 1), ("urn:schemas-homebed:device:Configurator:1", 1),
    ("urn:schemas-homebed:device:Configurator:3", 0), ("urn:schemas-homebed:device:Configurator:0", 0),
    ("urn:schemas-homebed:device:Configurator", 0), ("", 0), ("ssdp:ALL", 0),
  ]) func searchesAreAnswered(target: String, count: Int) {
    #expect(device.answers(to: target).count == count)
  }

  @Test func anEarlierVersionIsAnsweredAsItWasSearched() {
    let type = "urn:schemas-homebed:device:Configurator:1"
    #expect(device.answers(to: type).map(\.uniqueServiceName) == ["uuid:abc::" + type])
  }
}

@Suite struct SSDPEmbeddedTests {
  private let type = "urn:schemas-upnp-org:device:Inner:2"
  private var device: SSDPRootDevice {
    SSDPRootDevice(
      uuid: "a", deviceType: "urn:schemas-upnp-org:device:Outer:2", devices: [.init(uuid: "b", type: type)],
      services: [.init(uuid: "b", type: "urn:schemas-upnp-org:service:Do:1")])
  }

  /// UDA 2.0, tables 1-1 to 1-3: three, two for an embedded device, one for a service.
  @Test func everyPartIsAnnounced() {
    #expect(
      device.names.map(\.uniqueServiceName) == [
        "uuid:a::upnp:rootdevice", "uuid:a", "uuid:a::urn:schemas-upnp-org:device:Outer:2", "uuid:b",
        "uuid:b::\(type)", "uuid:b::urn:schemas-upnp-org:service:Do:1",
      ])
    #expect(device.answers(to: "ssdp:all") == device.names)
  }

  @Test func everyPartIsFound() {
    #expect(device.answers(to: "uuid:B").map(\.uniqueServiceName) == ["uuid:b"])
    #expect(
      device.answers(to: "urn:schemas-upnp-org:device:Inner:1").map(\.uniqueServiceName) == [
        "uuid:b::urn:schemas-upnp-org:device:Inner:1"
      ])
    #expect(device.answers(to: "urn:schemas-upnp-org:device:Inner:3").isEmpty)
    #expect(device.answers(to: "urn:schemas-upnp-org:service:Do:1").count == 1)
    #expect(device.answers(to: "urn:schemas-upnp-org:service:Do:2").isEmpty)
    #expect(device.answers(to: "upnp:rootdevice").map(\.uniqueServiceName) == ["uuid:a::upnp:rootdevice"])
  }
}
