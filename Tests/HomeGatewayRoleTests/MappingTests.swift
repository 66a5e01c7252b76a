import HomeGatewayRole
import Messages
import RoleKit
import Testing

@Suite struct MappingTests {
  @Test func aMappingIsAnsweredWhenTrafficPasses() throws {
    var gateway = GatewayDialogue()
    gateway.mapper = .waits
    let exchange = gateway.send(GatewayDialogue.request("AddPortMapping", GatewayDialogue.mapping()))
    #expect(gateway.replies[exchange] == nil)
    #expect((gateway.store["mappings"] ?? [:]).isEmpty)
    gateway.mapWaiting()
    #expect(gateway.replies[exchange]?.status == 200)
    #expect(gateway.store["mappings"]?.keys.sorted() == ["tcp/18080/*"])
    #expect(gateway.passing == [GatewayDialogue.passing])
  }

  @Test func theSameMappingAskedTwiceAtOnceWaits() throws {
    var gateway = GatewayDialogue()
    gateway.mapper = .waits
    let first = gateway.send(GatewayDialogue.request("AddPortMapping", GatewayDialogue.mapping()))
    let other = GatewayDialogue.mapping(["NewInternalClient": "192.168.10.2"])
    let second = gateway.send(GatewayDialogue.request("AddPortMapping", other), from: GatewayDialogue.configurator)
    let third = gateway.send(GatewayDialogue.request("DeletePortMapping", GatewayDialogue.key()))
    #expect(gateway.waiting.count == 1 && gateway.replies.isEmpty)
    gateway.mapWaiting()
    #expect(gateway.replies[first]?.status == 200)
    #expect(try GatewayDialogue.fault(gateway.replies[second]) == 718)
    #expect(gateway.replies[third]?.status == 200)
    #expect(gateway.passing.isEmpty)
  }

  /// Whoever waits for a mapping that cannot be stored is answered too.
  @Test func whoWaitsIsAnsweredThoughTheStoreFails() throws {
    var gateway = GatewayDialogue()
    gateway.mapper = .waits
    let first = gateway.send(GatewayDialogue.request("AddPortMapping", GatewayDialogue.mapping()))
    let second = gateway.send(GatewayDialogue.request("DeletePortMapping", GatewayDialogue.key()))
    gateway.storeFails = true
    gateway.mapWaiting()
    #expect(try GatewayDialogue.fault(gateway.replies[first]) == 501)
    #expect(try GatewayDialogue.fault(gateway.replies[second]) == 501)
    #expect(gateway.passing.isEmpty)
    gateway.storeFails = false
    #expect(try gateway.error("AddPortMapping", GatewayDialogue.mapping()) == nil)
  }

  @Test func aMappingOfAnotherClientIsAConflict() throws {
    var gateway = GatewayDialogue()
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping())
    let other = GatewayDialogue.mapping(["NewInternalClient": "192.168.10.2"])
    #expect(try gateway.error("AddPortMapping", other, from: GatewayDialogue.configurator) == 718)
    // Another protocol or remote host is another mapping.
    for change in [["NewProtocol": "UDP"], ["NewRemoteHost": "11.22.33.77"]] {
      let arguments = GatewayDialogue.mapping(change.merging(["NewInternalClient": "192.168.10.2"]) { $1 })
      #expect(try gateway.error("AddPortMapping", arguments, from: GatewayDialogue.configurator) == nil)
    }
    #expect(gateway.passing.count == 3)
    #expect(gateway.passing.contains { $0.remoteHost == IPAddress("11.22.33.77") })
  }

  @Test func itsOwnMappingIsChanged() throws {
    var gateway = GatewayDialogue()
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping())
    _ = try gateway.call(
      "AddPortMapping", GatewayDialogue.mapping(["NewInternalPort": "8081", "NewLeaseDuration": "60"]))
    #expect(gateway.passing == [PortMapping(.tcp, externalPort: 18080, client: Endpoint(GatewayDialogue.tv, 8081))])
    let entry = try gateway.call("GetSpecificPortMappingEntry", GatewayDialogue.key())
    #expect(entry["NewInternalPort"] == "8081")
    #expect(entry["NewLeaseDuration"] == "60")
    // Switched off it is there, and lets nothing pass.
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping(["NewEnabled": "0"]))
    #expect(gateway.passing.isEmpty)
    #expect(try gateway.call("GetSpecificPortMappingEntry", GatewayDialogue.key())["NewEnabled"] == "0")
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping(["NewEnabled": "true"]))
    #expect(gateway.passing == [GatewayDialogue.passing])
    #expect(gateway.store["mappings"]?.count == 1)
  }

  @Test func anyPortIsTheOneAskedForWhereItIsFree() throws {
    var gateway = GatewayDialogue()
    let first = try gateway.call("AddAnyPortMapping", GatewayDialogue.mapping())
    #expect(first == ["NewReservedPort": "18080"])
    // The same again is the same; another client gets another port.
    #expect(try gateway.call("AddAnyPortMapping", GatewayDialogue.mapping()) == first)
    let other = GatewayDialogue.mapping(["NewInternalClient": "192.168.10.2"])
    let second = try gateway.call("AddAnyPortMapping", other, from: GatewayDialogue.configurator)
    let port = try #require(second["NewReservedPort"].flatMap { UInt16($0) })
    #expect(port != 18080 && port >= 1024)
    #expect(Set(gateway.passing.map(\.externalPort)) == [18080, port])
    for wished in ["0", "49300"] {
      let third = try gateway.call("AddAnyPortMapping", GatewayDialogue.mapping(["NewExternalPort": wished]))
      #expect(try #require(third["NewReservedPort"].flatMap { Int($0) }) > 0)
      #expect(third["NewReservedPort"] != wished)
    }
    #expect(gateway.passing.count == 4)
  }

  @Test func aThousandMappingsAreListedInTheirOrder() throws {
    var gateway = GatewayDialogue()
    for number in 0..<1000 {
      let change = ["NewExternalPort": "\(20_000 + number)", "NewPortMappingDescription": "<\(number)>"]
      _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping(change))
    }
    for index in [0, 1, 500, 999] {
      let entry = try gateway.call("GetGenericPortMappingEntry", [("NewPortMappingIndex", "\(index)")])
      #expect(entry["NewExternalPort"] == "\(20_000 + index)")
      #expect(entry["NewPortMappingDescription"] == "<\(index)>")
      #expect(entry["NewProtocol"] == "TCP" && entry["NewRemoteHost"] == "" && entry["NewLeaseDuration"] == "300")
    }
    #expect(try gateway.error("GetGenericPortMappingEntry", [("NewPortMappingIndex", "1000")]) == 713)
    let listed = try gateway.list("20000", "29999")
    #expect(listed.count == 1000)
    #expect(listed[7].first("NewDescription")?.text == "<7>")
    #expect(listed[7].first("NewLeaseTime")?.text == "300")
    #expect(try gateway.list("20010", "20019").count == 10)
    #expect(try gateway.list("20010", "20019", number: "3").count == 3)
    _ = try gateway.call("DeletePortMappingRange", GatewayDialogue.range("20000", "20998"))
    #expect(gateway.passing.count == 1)
    #expect(gateway.store["mappings"]?.count == 1)
  }

  @Test func rangesAreOnesOwnUnlessManaged() throws {
    var gateway = GatewayDialogue()
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping())
    let laptop = try #require(IPAddress("192.168.10.50"))
    #expect(try gateway.error("GetListOfPortMappings", GatewayDialogue.range("1", "2", number: "0")) == 730)
    #expect(try gateway.error("GetListOfPortMappings", GatewayDialogue.range("2", "1", number: "0")) == 733)
    let whole = GatewayDialogue.range("0", "65535", number: "0")
    #expect(try gateway.error("GetListOfPortMappings", whole, from: laptop) == 730)
    #expect(try gateway.error("GetListOfPortMappings", whole) == nil)
    let managed = GatewayDialogue.range("0", "65535", manage: "1", number: "0")
    #expect(try gateway.error("GetListOfPortMappings", managed, from: laptop) == nil)
    #expect(try gateway.error("DeletePortMappingRange", GatewayDialogue.range("0", "65535"), from: laptop) == 730)
    let all = GatewayDialogue.range("0", "65535", manage: "1")
    #expect(try gateway.error("DeletePortMappingRange", all, from: laptop) == 606)
    #expect(try gateway.error("DeletePortMappingRange", GatewayDialogue.range("9", "8")) == 733)
    #expect(gateway.passing.count == 1)
    #expect(try gateway.error("DeletePortMappingRange", all, from: GatewayDialogue.configurator) == nil)
    #expect(gateway.passing.isEmpty)
  }

  @Test func onesOwnMappingIsDeletedByOneself() throws {
    var gateway = GatewayDialogue()
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping())
    let laptop = try #require(IPAddress("192.168.10.50"))
    #expect(try gateway.error("DeletePortMapping", GatewayDialogue.key(), from: laptop) == 606)
    #expect(try gateway.error("DeletePortMapping", GatewayDialogue.key(18081)) == 714)
    #expect(try gateway.error("DeletePortMapping", GatewayDialogue.key(remoteHost: "11.22.33.77")) == 714)
    #expect(try gateway.error("DeletePortMapping", GatewayDialogue.key()) == nil)
    #expect(try gateway.error("GetSpecificPortMappingEntry", GatewayDialogue.key()) == 714)
    #expect(gateway.passing.isEmpty && gateway.store["mappings"]?.isEmpty == true)
  }
}

extension GatewayDialogue {
  static func fault(_ response: HTTPResponse?) throws -> Int? {
    guard case .fault(let fault) = try #require(response).soapAnswer() else { return nil }
    return fault.errorCode
  }

  static func range(_ first: String, _ last: String, manage: String = "0", number: String? = nil) -> [(String, String)]
  {
    [("NewStartPort", first), ("NewEndPort", last), ("NewProtocol", "TCP"), ("NewManage", manage)]
      + (number.map { [("NewNumberOfPorts", $0)] } ?? [])
  }

  mutating func list(_ first: String, _ last: String, number: String = "0") throws -> [XMLElement] {
    let outputs = try call("GetListOfPortMappings", GatewayDialogue.range(first, last, number: number))
    var limits = XMLLimits()
    (limits.length, limits.elements) = (1 << 20, 20_000)
    return try XMLElement(parsing: Array(try #require(outputs["NewPortListing"]).utf8), limits: limits).elements
  }
}
