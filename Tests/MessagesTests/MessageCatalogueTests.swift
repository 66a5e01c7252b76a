import Testing

@testable import Messages

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct MessageCatalogueTests {
  @Test func namesAreUniqueAndLegal() {
    #expect(Set(MessageCatalogue.names).count == MessageCatalogue.names.count)
    for name in MessageCatalogue.names {
      #expect(name.wholeMatch(of: /[a-z][a-z0-9]*(-[a-z0-9]+)*/) != nil, "\(name)")
    }
  }

  /// Profile section 1: each request has its reply, named NAME-reply where no other name is given.
  @Test func everyReplyAnswersARequestAndEveryRequestHasItsReply() {
    for definition in MessageCatalogue.all {
      if let request = definition.requestName {
        #expect(MessageCatalogue[request] != nil, "\(definition.name)")
        #expect(MessageCatalogue.reply(to: request)?.name == definition.name)
        #expect(definition.name == request + "-reply" || definition.name == "configuration-reply")
      }
      switch definition.binding {
      case .http, .url, .soap, .stun: #expect(MessageCatalogue.reply(to: definition.name) != nil, "\(definition.name)")
      default: break
      }
    }
    #expect(MessageCatalogue.reply(to: "configuration-request")?.name == "configuration-reply")
  }

  @Test func fieldsAreNamedOnceTypedAndExplained() {
    for definition in MessageCatalogue.all {
      let rows = MessageField.rows(of: definition.fields)
      #expect(Set(rows.map(\.path)).count == rows.count, "\(definition.name)")
      for row in rows {
        #expect(!row.field.meaning.isEmpty && !row.field.type.name.isEmpty, "\(definition.name) \(row.path)")
      }
      for name in definition.summary {
        #expect(definition.fields.contains { $0.name == name }, "\(definition.name) shows \(name)")
      }
      #expect(!definition.directions.isEmpty && definition.meaning.hasSuffix("."), "\(definition.name)")
    }
  }

  @Test func parametersOfPathsAreFields() {
    for definition in MessageCatalogue.all {
      guard case .http(_, let paths, _) = definition.binding else { continue }
      for parameter in paths.flatMap(\.parameters) {
        #expect(definition.fields.contains { $0.name == parameter }, "\(definition.name) \(parameter)")
      }
    }
  }

  @Test(arguments: [
    ("PUT", "/agents/a", PartyKind.configurator, PartyKind.ce, "register"),
    ("DELETE", "/agents/a", .configurator, .ce, "deregister"),
    ("DELETE", "/agents/a", .configurator, .operator, "agent-remove"),
    ("GET", "/agents", .configurator, .operator, "agent-read"),
    ("GET", "/agents/a", .configurator, .operator, "agent-read"),
    ("PUT", "/v1/homes/h", .serviceServer, .operator, "provision-home"),
    ("PUT", "/v1/homes/h/agents/a", .serviceServer, .configurator, "server-register"),
    ("DELETE", "/v1/homes/h/agents/a", .serviceServer, .configurator, "server-deregister"),
    ("GET", "/v1/homes/h/agents", .serviceServer, .mobile, "agents-list"),
    ("GET", "/v1/homes/h/agents/a/configuration", .serviceServer, .configurator, "configuration-request"),
    ("PUT", "/v1/homes/h/agents/a/configuration", .serviceServer, .operator, "configuration-update"),
    ("GET", "/v1/homes/h/requests", .serviceServer, .configurator, "request-stream"),
    ("POST", "/v1/homes/h/requests/r/result", .serviceServer, .configurator, "request-result"),
    ("POST", "/connections", .ce, .configurator, "control"),
    ("POST", "/connections", .configurator, .ce, "peer-connect"),
    ("POST", "/connections/s/mapping", .configurator, .ce, "peer-map"),
    ("DELETE", "/connections/c", .ce, .configurator, "connection-end"), ("GET", "/media", .ce, .mobile, "connection"),
    ("POST", "/checks", .ce, .configurator, "check"),
  ])
  func requestsAreNamedByMethodPathAndKinds(
    _ method: String, _ path: String, _ server: PartyKind, _ client: PartyKind, _ name: String
  ) {
    let found = MessageCatalogue.request(method: method, path: path, server: server, client: client)
    #expect(found?.definition.name == name)
    #expect(found?.definition.allows(from: client, to: server) == true)
  }

  @Test func whatTheCatalogueLacksHasNoName() {
    #expect(MessageCatalogue.request(method: "POST", path: "/agents/a", server: nil, client: nil) == nil)
    #expect(MessageCatalogue.request(method: "GET", path: "/media", server: .configurator, client: nil) == nil)
    #expect(MessageCatalogue.request(method: "PUT", path: "/agents/", server: nil, client: nil) == nil)
    #expect(MessageCatalogue.request(method: "PUT", path: "agents/a", server: nil, client: nil) == nil)
  }

  @Test func parametersAreDecoded() {
    let template: PathTemplate = "/a/{x}/b"
    #expect(template.match("/a/1%2f2%zz/b")?.first?.value == "1/2%zz")
    #expect(template.match("/a/b") == nil)
  }

  @Test func fieldsAreLookedUpByPath() throws {
    let register = try #require(MessageCatalogue["register"])
    #expect(register.field(at: [.member("device"), .member("modelName")]) == .known(.string))
    #expect(register.field(at: [.member("interfaces"), .index(0), .member("macAddress")]) == .known(.mac))
    #expect(register.field(at: [.member("applications"), .anyElement, .member("port")]) == .known(.integer))
    guard case .unknown(step: 1, let names) = register.field(at: [.member("device"), .member("modelNme")]) else {
      Issue.record("a wrong member was taken")
      return
    }
    #expect(names.contains("modelName"))
    #expect(register.field(at: [.member("reason"), .member("x")]) == .unknown(step: 1, known: []))
    let configure = try #require(MessageCatalogue["configure"])
    #expect(configure.field(at: [.member("vendor"), .member("x"), .index(3)]) == .free)
    #expect(configure.field(at: [.member("applications"), .member("media"), .member("port")]) == .known(.integer))
    #expect(configure.field(at: [.member("ntpServer")]) == .known(.string))
  }

  @Test(arguments: [
    (FieldType.integer, JSONValue.int(3), true), (.integer, .string("3"), false), (.boolean, .bool(true), true),
    (.words(["tcp", "udp"]), .string("tcp"), true), (.words(["tcp", "udp"]), .string("sctp"), false),
    (.address, .string("10.0.0.1"), true), (.address, .string("10.0.0.1/24"), true), (.address, .string("ten"), false),
    (.cidr, .string("10.0.0.1"), true), (.mac, .string("02:00:00:00:00:21"), true), (.mac, .string("02-00"), false),
    (.uuid, .string("7f9c0000-0000-8000-8000-000000000000"), true), (.uuid, .string("7F9C"), false),
    (.any, .null, true),
    (.time, .string("2026-03-01T12:00:00.250Z"), true), (.time, .string("noon"), false),
    (.array(.integer), .array([1, 2]), true), (.array(.integer), .array(["x"]), false),
  ])
  func comparisonsThatCanNeverHoldAreKnown(_ type: FieldType, _ value: JSONValue, _ expected: Bool) {
    #expect(type.canHold(value) == expected)
  }

  @Test func backgroundFollowsRuleS3() throws {
    let register = try #require(MessageCatalogue["register"])
    #expect(register.background.holds(for: ["reason": "refresh"], request: false))
    #expect(!register.background.holds(for: ["reason": "new-device"], request: false))
    let discover = try #require(MessageCatalogue["discover"])
    #expect(!discover.background.holds(for: ["st": .string(ProfileNames.configuratorType)], request: false))
    #expect(!discover.background.holds(for: ["st": "ssdp:all"], request: false))
    #expect(discover.background.holds(for: ["st": .string(ProfileNames.gatewayType)], request: false))
    #expect(discover.background.holds(for: ["st": .string(ProfileNames.basicDeviceType)], request: false))
    for name in [
      "ssdp-alive", "ssdp-byebye", "description-read", "htip", "arp", "icmp", "dhcp", "dns", "request-stream",
      "configuration-read",
    ] {
      #expect(MessageCatalogue[name]?.background == .always, "\(name)")
    }
    #expect(MessageCatalogue["configuration-read-reply"]?.background == .asRequest)
    #expect(MessageCatalogue["configure"]?.background == .never)
  }

  @Test func hostsMaySendAnything() throws {
    let register = try #require(MessageCatalogue["register"])
    #expect(register.allows(from: .host, to: .configurator))
    #expect(register.allows(from: .any, to: .configurator))
    #expect(!register.allows(from: .configurator, to: .ce))
    #expect(!register.allows(from: .any, to: .ce))
    #expect(try #require(MessageCatalogue["discover"]).allows(from: .ce, to: .network))
  }

  @Test func theDocumentedCatalogueIsCurrent() throws {
    let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    let path = folder + "/docs/messages.md"
    if getenv("UPDATE_DOCS") != nil {
      let file = try #require(fopen(path, "wb"))
      fputs(MessageCatalogue.markdown, file)
      fclose(file)
    }
    let file = try #require(fopen(path, "rb"), "docs/messages.md is missing")
    defer { fclose(file) }
    var octets = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&octets, 1, octets.count, file)
    #expect(
      String(decoding: octets[..<count], as: UTF8.self) == MessageCatalogue.markdown,
      "docs/messages.md is not what the catalogue says: run the tests once with UPDATE_DOCS=1")
  }

  @Test func theListingsNameEveryMessage() {
    let text = MessageCatalogue.text
    for definition in MessageCatalogue.all {
      #expect(text.contains(definition.name + " "))
      #expect(definition.text.hasPrefix(definition.name + ": "))
    }
    #expect(MessageCatalogue.json.array?.count == MessageCatalogue.all.count)
    #expect(MessageCatalogue["register-reply"]?.json["replyTo"]?.string == "register")
  }
}
