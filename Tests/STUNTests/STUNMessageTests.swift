import Octets
import Testing

@testable import STUN

struct STUNMessageTests {
  @Test("The request of RFC 5769, 2.1")
  func request() throws {
    let message = try STUNMessage(parsing: SampleVectors.request)
    #expect(message.messageClass == .request)
    #expect(message.method == STUNMessage.binding)
    #expect(message.transaction.description == "b7e7a701bc34d686fa87dfae")
    #expect(message.software == "STUN test client")
    #expect(message.username == "evtj:h6vY")
    #expect(message.attributes[1] == .unknown(type: 0x0024, value: [0x6E, 0x00, 0x01, 0xFF]))
    #expect(message.offset(ofAttribute: 1) == 40)
    #expect(message.notUnderstood == [0x0024])
    #expect(message.hasFingerprint)
    #expect(message.integrity(key: SampleVectors.password) == .valid)
    #expect(message.integrity(key: SampleVectors.password + [1]) == .invalid)
  }

  @Test("The responses of RFC 5769, 2.2 and 2.3")
  func responses() throws {
    for (octets, address) in [
      (SampleVectors.responseIPv4, "192.0.2.1:32853"),
      (SampleVectors.responseIPv6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
      let message = try STUNMessage(parsing: octets)
      #expect(message.messageClass == .success)
      #expect(message.xorMappedAddress == Endpoint(address))
      #expect(message.reflexiveAddress == Endpoint(address))
      #expect(message.software == "test vector")
      #expect(message.integrity(key: SampleVectors.password) == .valid)
      #expect(message.integrity(key: []) == .invalid)
    }
  }

  @Test("The request with long-term authentication of RFC 5769, 2.4")
  func longTerm() throws {
    let message = try STUNMessage(parsing: SampleVectors.longTerm)
    #expect(message.username == "\u{30DE}\u{30C8}\u{30EA}\u{30C3}\u{30AF}\u{30B9}")
    #expect(message.realm == "example.org")
    #expect(message.nonce == "f//499k954d6OL34oL9FSTvy64sA")
    #expect(!message.hasFingerprint)
    #expect(message.integrity(key: SampleVectors.longTermKey) == .valid)
  }

  /// The RFC pads with spaces, which its hashes cover; written here, padding is zeros. So the long-term one, whose
  /// padding is zeros, comes out octet for octet, and the others mean the same.
  @Test("What was read is written again")
  func written() throws {
    let longTerm = try STUNMessage(parsing: SampleVectors.longTerm)
    #expect(
      longTerm.octets(integrity: .sha1(key: SampleVectors.longTermKey), fingerprint: .absent) == SampleVectors.longTerm)
    for octets in SampleVectors.all {
      let message = try STUNMessage(parsing: octets)
      let again = try STUNMessage(parsing: message.octets(integrity: .sha1(key: SampleVectors.password)))
      #expect(again.attributes == message.attributes)
      #expect(again.transaction == message.transaction)
      #expect(again.integrity(key: SampleVectors.password) == .valid)
      #expect(again.hasFingerprint)
    }
  }

  @Test("Every attribute comes back as it was written", arguments: [STUNIntegrity.none, .sha256(key: [1, 2])])
  func everyAttribute(integrity: STUNIntegrity) throws {
    let ends = [Endpoint("198.51.100.1:40000")!, Endpoint("[2001:db8::1]:1")!]
    var attributes: [STUNAttribute] = [
      .username("u:v"), .realm("r"), .nonce(""), .software("s s"), .errorCode(420, "Unknown Attribute"),
      .unknownAttributes([0x24, 0x7777, 3]), .changeRequest([.address, .port]), .changeRequest([]),
      .responsePort(4000), .padding(1500),
      .unknown(type: 0x8055, value: [9]),
    ]
    for end in ends {
      attributes += [.mappedAddress(end), .xorMappedAddress(end), .responseOrigin(end), .otherAddress(end)]
    }
    for messageClass in STUNMessage.Class.allCases {
      for method: UInt16 in [0, 1, 0x0F, 0x10, 0x7F, 0x80, 0xFFF] {
        let message = STUNMessage(
          messageClass, method: method, transaction: STUNTransactionID(high: 7, low: 99), attributes: attributes)
        let again = try STUNMessage(parsing: message.octets(integrity: integrity))
        #expect(again.messageClass == messageClass)
        #expect(again.method == method)
        #expect(again.attributes == attributes)
        #expect(again.integrity(key: [1, 2]) == (integrity == .none ? .absent : .valid))
        #expect(again.integrity(key: [1, 3]) == (integrity == .none ? .absent : .invalid))
      }
    }
  }

  @Test("What stands behind the integrity is ignored, but for FINGERPRINT")
  func behindIntegrity() throws {
    let signed = STUNMessage(.request, transaction: STUNTransactionID(high: 1, low: 2), attributes: [.username("a")])
      .octets(integrity: .sha1(key: [7]), fingerprint: .absent)
    var octets = signed + [0x00, 0x20, 0, 8, 0, 1, 1, 1, 1, 1, 1, 1]
    octets[3] += 12
    let message = try STUNMessage(parsing: octets)
    #expect(message.attributes == [.username("a")])
    #expect(message.integrity(key: [7]) == .valid)
  }

  @Test(
    "Faults are told with the octet",
    arguments: [
      ("", 0, WireError.Code.truncated), ("0001", 2, .truncated),
      ("800100002112a442000000000000000000000000", 0, .malformed),
      ("000100002112a443000000000000000000000000", 4, .malformed),
      ("000100032112a442000000000000000000000000000000", 2, .malformed),
      ("000100082112a442000000000000000000000000", 2, .truncated),
      ("000100002112a44200000000000000000000000000000000", 2, .malformed),
      ("000100042112a44200000000000000000000000080220001", 24, .truncated),
      ("000100082112a4420000000000000000000000000001000400010000", 20, .malformed),
      ("0001000c2112a442000000000000000000000000000100080003000000000000", 25, .malformed),
      ("000100082112a44200000000000000000000000000060002fffe0000", 20, .malformed),
      ("000100082112a4420000000000000000000000000008000400000000", 20, .malformed),
      ("000100082112a4420000000000000000000000008028000400000000", 20, .malformed),
      ("000100082112a4420000000000000000000000000009000400000763", 26, .malformed),
      ("000100082112a442000000000000000000000000000a000100000000", 20, .malformed),
      ("000100082112a4420000000000000000000000000003000200000000", 20, .malformed),
    ])
  func faults(text: String, offset: Int, code: WireError.Code) {
    let octets = SampleVectors.octets(text)
    #expect(throws: WireError(code, in: "STUN", at: offset, "")) { try STUNMessage(parsing: octets) }
  }

  @Test("Any prefix of a message is refused, and any octet changed is refused or no longer authentic")
  func truncatedAndForged() throws {
    for octets in SampleVectors.all {
      for count in 0..<octets.count {
        #expect(throws: WireError.self) { try STUNMessage(parsing: Array(octets[..<count])) }
      }
      let key = octets == SampleVectors.longTerm ? SampleVectors.longTermKey : SampleVectors.password
      // FINGERPRINT stands behind what the integrity covers.
      for place in octets.indices.dropLast(octets == SampleVectors.longTerm ? 0 : 8) {
        var forged = octets
        forged[place] ^= 1 << UInt8(place % 8)
        guard let message = try? STUNMessage(parsing: forged) else { continue }
        #expect(message.integrity(key: key) != .valid, "octet \(place)")
      }
    }
  }

  @Test("Random octets never trap")
  func random() {
    var numbers = SeededNumbers(seed: 5)
    for round in 0..<20_000 {
      var octets = SampleVectors.all[round % 4]
      for _ in 0..<Int.random(in: 1...6, using: &numbers) {
        octets[Int.random(in: 0..<octets.count, using: &numbers)] = .random(in: 0...255, using: &numbers)
      }
      if let message = try? STUNMessage(parsing: octets) { _ = message.octets() }
    }
  }
}

/// The same numbers for the same seed everywhere (splitmix64).
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
