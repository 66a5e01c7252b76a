import Messages
import RoleKit
import ServiceServerRole
import Testing

/// The STUN server: RFC 8489, and RFC 5780 where it has two addresses.
struct STUNTests {
  private static let client = Endpoint("203.0.113.9:40001")!
  private static let first = IPAddress("198.51.100.10")!
  private static let second = IPAddress("198.51.100.11")!
  private static let transaction = STUNTransactionID(high: 5, low: 77)

  private static let twoAddresses: ServiceServerSettings = {
    var settings = ServerDialogue.settings
    settings.stun.addresses = STUNServerSettings.AddressPair(first, second)
    return settings
  }()

  private func ask(
    _ attributes: [STUNAttribute] = [], at local: Endpoint = Endpoint(first, 3478),
    settings: ServiceServerSettings = ServerDialogue.settings, fingerprint: STUNFingerprint = .present
  ) throws -> (STUNMessage, from: Endpoint)? {
    var server = ServerDialogue(settings: settings)
    let octets = STUNMessage(.request, transaction: Self.transaction, attributes: attributes)
      .octets(fingerprint: fingerprint)
    let effects = server.perform(.datagram(octets, from: Self.client, to: local))
    guard case .datagram(let answer, let from, let to)? = effects.first else { return nil }
    #expect(effects.count == 1)
    #expect(to == Self.client)
    let message = try STUNMessage(parsing: answer)
    #expect(message.transaction == Self.transaction)
    return (message, from)
  }

  @Test("Both ports are opened at the start, before the server is ready")
  func ports() {
    var role = ServiceServer(settings: ServerDialogue.settings)
    var bits = RandomBits { 1 }
    let effects = role.handle(
      .started(rows: [], interfaces: []), at: Moment(monotonic: 0, wall: 0), bits: &bits)
    #expect(effects.suffix(3) == [.openDatagrams(port: 3478), .openDatagrams(port: 3479), .ready])
  }

  @Test("A binding tells the address that it came from, from where it was asked")
  func binding() throws {
    let (message, from) = try #require(try ask([.username("s:controlling"), .software("x")]))
    #expect(message.messageClass == .success)
    #expect(message.xorMappedAddress == Self.client)
    #expect(from == Endpoint(Self.first, 3478))
    #expect(message.responseOrigin == from)
    #expect(message.otherAddress == nil)
    #expect(message.hasFingerprint)
    #expect(try #require(try ask(fingerprint: .absent)).0.hasFingerprint == false)
  }

  @Test("With one address another port can be asked for, and another address gets no answer")
  func changesWithOneAddress() throws {
    #expect(try ask([.changeRequest(.port)])?.from == Endpoint(Self.first, 3479))
    #expect(try ask([.changeRequest(.port)], at: Endpoint(Self.first, 3479))?.from == Endpoint(Self.first, 3478))
    #expect(try ask([.changeRequest(.address)]) == nil)
    #expect(try ask([.changeRequest([.address, .port])]) == nil)
  }

  @Test("With two addresses, everything of RFC 5780")
  func changesWithTwoAddresses() throws {
    for (local, change, origin) in [
      ("198.51.100.10:3478", STUNChangeRequest([]), "198.51.100.10:3478"),
      ("198.51.100.10:3478", .port, "198.51.100.10:3479"), ("198.51.100.10:3478", .address, "198.51.100.11:3478"),
      ("198.51.100.10:3478", [.address, .port], "198.51.100.11:3479"),
      ("198.51.100.11:3479", [.address, .port], "198.51.100.10:3478"),
      ("198.51.100.11:3478", .port, "198.51.100.11:3479"),
    ] {
      let (message, from) = try #require(
        try ask([.changeRequest(change)], at: Endpoint(local)!, settings: Self.twoAddresses))
      #expect(from == Endpoint(origin))
      #expect(message.responseOrigin == from)
      let other = Endpoint(
        local.hasPrefix("198.51.100.11") ? Self.first : Self.second, local.hasSuffix("3478") ? 3479 : 3478)
      #expect(message.otherAddress == other)
    }
  }

  @Test("With two addresses: the response goes to another port, or is padded; both at once are refused")
  func responsePortAndPadding() throws {
    var server = ServerDialogue(settings: Self.twoAddresses)
    func ask(_ attributes: [STUNAttribute], _ server: inout ServerDialogue) throws -> (STUNMessage, Endpoint)? {
      let octets = STUNMessage(.request, transaction: Self.transaction, attributes: attributes).octets()
      let effects = server.perform(.datagram(octets, from: Self.client, to: Endpoint(Self.first, 3478)))
      guard case .datagram(let answer, _, let to)? = effects.first else { return nil }
      return (try STUNMessage(parsing: answer), to)
    }
    let (elsewhere, to) = try #require(try ask([.responsePort(40_002)], &server))
    #expect(to == Endpoint(Self.client.address, 40_002))
    #expect(elsewhere.xorMappedAddress == Self.client)
    let (padded, back) = try #require(try ask([.padding(8)], &server))
    #expect(back == Self.client)
    #expect(padded.padding == 1500)
    #expect(try #require(try ask([.padding(8), .responsePort(1)], &server)).0.errorCode?.code == 400)
  }

  @Test("Attributes that must be understood and are not: 420 with their list")
  func unknownAttributes() throws {
    let unknown: [STUNAttribute] = [
      .unknown(type: 0x0024, value: [1]), .unknown(type: 0x8123, value: []), .padding(4), .responsePort(9),
    ]
    let (message, _) = try #require(try ask(unknown))
    #expect(message.messageClass == .error)
    #expect(message.errorCode?.code == 420)
    #expect(message.unknownAttributes == [0x0024, 0x0026, 0x0027])
    #expect(message.xorMappedAddress == nil)
  }

  @Test("Garbage, responses, indications and other methods get no answer")
  func noAnswer() {
    var server = ServerDialogue()
    var datagrams: [[UInt8]] = [[], [0], [UInt8](repeating: 0, count: 20), Array("GET / HTTP/1.1\r\n\r\n".utf8)]
    for messageClass in [STUNMessage.Class.success, .error, .indication] {
      datagrams.append(STUNMessage(messageClass, transaction: Self.transaction).octets())
    }
    datagrams.append(STUNMessage(.request, method: 3, transaction: Self.transaction).octets())
    let whole = STUNMessage(.request, transaction: Self.transaction, attributes: [.username("u")]).octets()
    datagrams += (0..<whole.count).map { Array(whole[..<$0]) }
    // Every octet but those of FINGERPRINT itself, which is optional.
    datagrams += whole.indices.dropLast(8).map { place in
      var forged = whole
      forged[place] ^= 0x10
      return forged
    }
    for octets in datagrams {
      let effects = server.perform(.datagram(octets, from: Self.client, to: Endpoint(Self.first, 3478)))
      #expect(effects.allSatisfy { if case .report = $0 { true } else { false } }, "\(octets.hex())")
    }
    // And it still answers.
    let answer = server.perform(.datagram(whole, from: Self.client, to: Endpoint(Self.first, 3478)))
    guard case .datagram? = answer.first else {
      Issue.record("no answer after garbage")
      return
    }
  }
}
