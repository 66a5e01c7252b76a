import HomeGatewayRole
import Messages
import RoleKit
import Testing

/// The errors that WANIPConnection:2 and UDA 2.0 assign.
@Suite struct ErrorTests {
  private static let stranger = GatewayDialogue.stranger

  struct Case: Sendable, CustomTestStringConvertible {
    var error: Int?
    var action: String
    var changes: [String: String] = [:]
    var version = 2
    var from = GatewayDialogue.tv
    var testDescription: String { "\(action):\(version) \(changes) from \(from)" }
  }

  @Test(arguments: [
    Case(error: nil, action: "AddPortMapping"),
    Case(error: nil, action: "AddPortMapping", version: 1),
    Case(error: 401, action: "AddPortMappings"),
    Case(error: 401, action: "AddAnyPortMapping", version: 1),
    Case(error: 401, action: "AddPortMapping", version: 3),
    Case(error: 402, action: "AddPortMapping", changes: ["NewExternalPort": "http"]),
    Case(error: 402, action: "AddPortMapping", changes: ["NewExternalPort": "65536"]),
    Case(error: 402, action: "AddPortMapping", changes: ["NewExternalPort": "-1"]),
    Case(error: 402, action: "AddPortMapping", changes: ["NewExternalPort": ""]),
    Case(error: 402, action: "AddPortMapping", changes: ["NewEnabled": "perhaps"]),
    Case(error: 402, action: "AddPortMapping", changes: ["NewInternalClient": ""]),
    Case(error: 402, action: "AddPortMapping", changes: ["NewLeaseDuration": "99999999999999999999"]),
    Case(error: 600, action: "AddPortMapping", changes: ["NewProtocol": "SCTP"]),
    Case(error: 600, action: "AddPortMapping", changes: ["NewInternalClient": "tv.local"]),
    Case(error: 600, action: "AddPortMapping", changes: ["NewRemoteHost": "example.org"]),
    Case(error: 600, action: "AddPortMapping", changes: ["NewRemoteHost": "239.1.2.3"]),
    Case(error: 601, action: "AddPortMapping", changes: ["NewLeaseDuration": "604801"]),
    Case(error: nil, action: "AddPortMapping", changes: ["NewLeaseDuration": "604801"], version: 1),
    Case(
      error: 605, action: "AddPortMapping", changes: ["NewPortMappingDescription": String(repeating: "x", count: 257)]),
    Case(error: 606, action: "AddPortMapping", changes: ["NewInternalClient": "192.168.10.50"]),
    Case(error: nil, action: "AddPortMapping", from: GatewayDialogue.configurator),
    Case(
      error: 606, action: "AddPortMapping", changes: ["NewInternalClient": "192.168.10.1"],
      from: GatewayDialogue.configurator),
    Case(
      error: 606, action: "AddPortMapping", changes: ["NewInternalClient": "11.22.33.77"],
      from: GatewayDialogue.configurator),
    Case(
      error: 606, action: "AddPortMapping", changes: ["NewInternalClient": "192.168.10.255"],
      from: GatewayDialogue.configurator),
    Case(error: 606, action: "AddPortMapping", changes: ["NewInternalClient": "8.8.8.8"]),
    Case(error: 716, action: "AddPortMapping", changes: ["NewExternalPort": "0"]),
    Case(error: nil, action: "AddAnyPortMapping", changes: ["NewExternalPort": "0"]),
    Case(error: 729, action: "AddPortMapping", changes: ["NewExternalPort": "49300"]),
    Case(error: 729, action: "AddPortMapping", changes: ["NewExternalPort": "7", "NewProtocol": "UDP"]),
    Case(error: nil, action: "AddPortMapping", changes: ["NewExternalPort": "49300", "NewProtocol": "UDP"]),
    Case(error: 732, action: "AddPortMapping", changes: ["NewInternalPort": "0"]),
    Case(error: 732, action: "AddAnyPortMapping", changes: ["NewInternalPort": "0"]),
  ])
  func anActionIsAnswered(case it: Case) throws {
    var gateway = GatewayDialogue()
    let error = try gateway.error(
      it.action, GatewayDialogue.mapping(it.changes), version: it.version, from: it.from)
    #expect(error == it.error)
    #expect(gateway.passing.isEmpty == (it.error != nil))
    #expect((gateway.store["mappings"] ?? [:]).isEmpty == (it.error != nil))
  }

  @Test func everyArgumentIsNeededAndOthersArePassedOver() throws {
    var gateway = GatewayDialogue()
    let all = GatewayDialogue.mapping()
    for index in all.indices {
      var some = all
      some.remove(at: index)
      #expect(try gateway.error("AddPortMapping", some) == 402)
    }
    #expect(gateway.passing.isEmpty)
    #expect(try gateway.error("AddPortMapping", [("NewColour", "red")] + all.reversed()) == nil)
  }

  /// Whatever a stranger asks, and however wrong it is, he learns one thing.
  @Test func theWANSideIsClosed() throws {
    var gateway = GatewayDialogue()
    for service in GatewayService.allCases {
      for action in service.description.actions {
        let request = GatewayDialogue.request(action.name, GatewayDialogue.mapping(), version: 1, of: service)
        let response = try gateway.ask(request, from: Self.stranger, to: GatewayDialogue.outside)
        #expect(throws: SOAPFault(errorCode: 606, "Action not authorized")) {
          try GatewayDialogue.outputs(response)
        }
      }
    }
    var broken = GatewayDialogue.request("GetStatusInfo")
    broken.body = Array("<".utf8)
    let response = try gateway.ask(broken, from: Self.stranger, to: GatewayDialogue.outside)
    #expect(throws: SOAPFault(errorCode: 606, "Action not authorized")) { try GatewayDialogue.outputs(response) }
    // The gateway's inner address is no way round.
    #expect(try gateway.error("GetStatusInfo", from: Self.stranger) == 606)
    #expect(
      try gateway.ask(HTTPRequest("GET", "/description.xml"), from: Self.stranger, to: GatewayDialogue.outside).status
        == 403)
  }

  /// Alone on a loopback address there is no outside.
  @Test func withoutAnOutsideEverybodyIsAtHome() throws {
    var settings = GatewayDialogue.settings { $0.translates = false }
    settings.outside = []
    var gateway = GatewayDialogue(settings)
    let response = try gateway.ask(HTTPRequest("GET", "/description.xml"), from: Self.stranger)
    #expect(response.status == 200)
    #expect(try gateway.error("GetStatusInfo", from: Self.stranger) == nil)
  }

  @Test func actionsOfAConnection() throws {
    var gateway = GatewayDialogue()
    let controlPoint = GatewayDialogue.configurator
    #expect(try gateway.error("SetConnectionType", [("NewConnectionType", "IP_Bridged")]) == 606)
    #expect(try gateway.error("SetConnectionType", [("NewConnectionType", "IP_Bridged")], from: controlPoint) == 731)
    #expect(try gateway.error("SetConnectionType", [("NewConnectionType", "IP_Routed")], from: controlPoint) == nil)
    #expect(try gateway.error("RequestConnection") == nil)
    #expect(try gateway.error("ForceTermination") == 606)
    #expect(try gateway.error("ForceTermination", from: controlPoint) == 501)
    gateway.perform(.interface(GatewayDialogue.interface("eth0", "11.22.33.1/24", isUp: false)))
    #expect(try gateway.error("RequestConnection") == 704)
    #expect(try gateway.error("ForceTermination", from: controlPoint) == 711)
  }

  @Test func whatTheMapperRefusesIsTold() throws {
    var gateway = GatewayDialogue()
    gateway.mapper = .refuses
    #expect(try gateway.error("AddPortMapping", GatewayDialogue.mapping()) == 729)
    #expect(try gateway.error("AddAnyPortMapping", GatewayDialogue.mapping()) == 729)
    gateway.mapper = .fails
    #expect(try gateway.error("AddPortMapping", GatewayDialogue.mapping()) == 501)
    #expect((gateway.store["mappings"] ?? [:]).isEmpty)
    #expect(try gateway.error("GetGenericPortMappingEntry", [("NewPortMappingIndex", "0")]) == 713)
    var loopback = GatewayDialogue(GatewayDialogue.settings { $0.translates = false })
    #expect(try loopback.error("AddPortMapping", GatewayDialogue.mapping()) == 501)
  }

  @Test func theTableHasABound() throws {
    var gateway = GatewayDialogue(GatewayDialogue.settings { $0.mappingLimit = 2 })
    for port in ["1", "2"] {
      #expect(try gateway.error("AddPortMapping", GatewayDialogue.mapping(["NewExternalPort": port])) == nil)
    }
    #expect(try gateway.error("AddPortMapping", GatewayDialogue.mapping(["NewExternalPort": "3"])) == 728)
    #expect(try gateway.error("AddAnyPortMapping", GatewayDialogue.mapping(["NewExternalPort": "0"])) == 728)
    // One that is there is changed all the same.
    #expect(try gateway.error("AddPortMapping", GatewayDialogue.mapping(["NewExternalPort": "2"])) == nil)
  }

  /// A store that fails leaves no mapping behind.
  @Test func aMappingThatIsNotStoredIsNone() throws {
    var gateway = GatewayDialogue()
    gateway.storeFails = true
    #expect(try gateway.error("AddPortMapping", GatewayDialogue.mapping()) == 501)
    #expect(gateway.passing.isEmpty)
    gateway.storeFails = false
    #expect(try gateway.error("AddPortMapping", GatewayDialogue.mapping()) == nil)
    gateway.storeFails = true
    #expect(try gateway.error("DeletePortMapping", GatewayDialogue.key()) == 501)
    #expect(gateway.passing == [GatewayDialogue.passing])
    gateway.storeFails = false
    #expect(try gateway.error("DeletePortMapping", GatewayDialogue.key()) == nil)
    #expect(gateway.passing.isEmpty)
  }
}
