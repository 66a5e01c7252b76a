import Messages
import RoleKit
import Testing

@testable import CEAgentRole

@Suite("the agent: checks and data between homes (4.5 step 7)") struct PeerCheckTests {
  @Test("a check every 100 ms for 5 s, each with a transaction of its own") func rounds() {
    var tv = Living()
    let second = Endpoint("192.168.20.21:50021")!
    tv.joins(peer: [peerEndpoint, second])
    tv.passes(6)
    let checks = tv.sends().filter { $0.to == peerEndpoint || $0.to == second }
    #expect(checks.count == 100)
    let messages = checks.compactMap { try? STUNMessage(parsing: $0.octets) }
    #expect(Set(messages.map(\.transaction)).count == 100)
    #expect(messages.allSatisfy { $0.username == "\(sessionId):controlling" })
    #expect(messages.allSatisfy { $0.integrity(key: Array(checkKey.utf8)) == .valid })
  }

  @Test("a valid check is answered to its source, and a check goes there") func validCheck() {
    var tv = Living()
    tv.joins()
    _ = tv.sends()
    let source = Endpoint("203.0.113.2:61000")!
    tv.hears(Living.check(), from: source)
    let out = tv.sends()
    #expect(out.map(\.to) == [source, source])
    let answer = try? STUNMessage(parsing: out[0].octets)
    #expect(answer?.messageClass == .success)
    #expect(answer?.transaction == STUNTransactionID(high: 7, low: 1))
    #expect(answer?.xorMappedAddress == source)
    #expect(answer?.integrity(key: Array(checkKey.utf8)) == .valid)
    #expect((try? STUNMessage(parsing: out[1].octets))?.messageClass == .request)
    // Its repeat is answered; that is all.
    tv.hears(Living.check(), from: source)
    #expect(tv.sends().count == 1)
    // That check of ours may reach the peer where no candidate does.
    tv.hears(Living.answer(to: out[1]), from: source)
    #expect(tv.connection["remote"]?["port"] == 61_000)
  }

  /// One may have come by a way on which nothing can go back, the next by another.
  @Test("each valid check is worth one back, however soon after another, until one got through") func soonAfter() {
    var tv = Living()
    tv.joins()
    _ = tv.sends()
    let source = Endpoint("203.0.113.2:61000")!
    for number in UInt64(1)...9 {
      tv.hears(Living.check(transaction: number), from: source)
      #expect(tv.sends().map(\.to) == [source, source], "check \(number)")
    }
    tv.hears(Living.check(transaction: 10), from: source)
    tv.hears(Living.answer(to: tv.sends()[1]), from: source)
    _ = tv.sends()
    tv.hears(Living.check(transaction: 11), from: source)
    #expect(tv.sends().count == 1)
  }

  @Test("data from where checks came is worth one, not too often") func dataBeforeTheCheck() {
    var tv = Living()
    tv.joins()
    let source = Endpoint("203.0.113.2:61000")!
    tv.hears(Living.check(), from: source)
    _ = tv.sends()
    let data = Array("HBPD".utf8) + [0x44, 0, 0]
    tv.hears(data, from: source)
    #expect(tv.sends().isEmpty)
    tv.passes(0.06)
    _ = tv.sends()
    tv.hears(data, from: source)
    tv.hears(data, from: source)
    let check = tv.sends()
    #expect(check.map(\.to) == [source])
    // Strangers get nothing for theirs.
    tv.hears(data, from: Endpoint("203.0.113.9:61000")!)
    #expect(tv.sends().isEmpty)
    tv.hears(Living.answer(to: check[0]), from: source)
    _ = tv.sends()
    tv.hears(data, from: source)
    #expect(tv.sends().count == 1)
  }

  @Test("a third party who replays, forges or cuts a check changes nothing") func attacks() {
    var tv = Living()
    tv.joins()
    let ours = tv.sends().last!
    let valid = Living.check(transaction: 2)
    tv.hears(Living.check(), from: peerEndpoint)
    tv.hears(valid, from: peerEndpoint)
    _ = tv.sends()
    let stranger = Endpoint("198.51.100.66:6666")!
    let before = tv.connection
    var attacks: [([UInt8], Endpoint)] = [
      (Living.check(), stranger),  // A replay.
      (Living.check(key: "guessed", transaction: 3), stranger),
      (Living.check(username: "\(sessionId):controlling", transaction: 4), stranger),  // Our own, sent back.
      (Living.check(username: "other:controlled", transaction: 5), stranger),
      (STUNMessage(.request, transaction: STUNTransactionID(high: 7, low: 6)).octets(), stranger),
      (ours.octets, stranger),
      // Answers: from elsewhere, with another key, to nothing.
      (Living.answer(to: ours), stranger), (Living.answer(to: ours, key: "guessed"), peerEndpoint),
      (
        STUNMessage(
          .success, transaction: STUNTransactionID(high: 9, low: 9), attributes: [.xorMappedAddress(stranger)]
        )
        .octets(integrity: .sha1(key: Array(checkKey.utf8))), peerEndpoint
      ),
      (Array("HBPD".utf8) + [0x44, 0, 0], stranger), (Array("HBPD".utf8) + [0x44, 0, 0], peerEndpoint), ([], stranger),
      ([0x00], stranger),
    ]
    attacks += (0..<valid.count).map { (Array(valid.prefix($0)), stranger) }
    attacks += valid.indices.map { index in
      var octets = valid
      octets[index] ^= 0x01
      return (octets, stranger)
    }
    for (octets, from) in attacks {
      tv.hears(octets, from: from)
      #expect(tv.sends().isEmpty, "\(octets.hex()) from \(from)")
    }
    var after = tv.connection
    #expect(after["dropped"] == 2)
    after["dropped"] = 0
    #expect(after == before)
    // The true answer still counts.
    tv.hears(Living.answer(to: ours), from: peerEndpoint)
    #expect(tv.connection["state"] == "connected")
    #expect(tv.sends().allSatisfy { $0.to == peerEndpoint })
  }

  @Test("an attribute that must be understood and is not: 420") func unknownAttribute() {
    var tv = Living()
    tv.joins()
    _ = tv.sends()
    tv.hears(Living.check(more: [.unknown(type: 0x0024, value: [0, 0, 0, 1])]), from: peerEndpoint)
    let out = tv.sends()
    #expect(out.count == 1)
    let refusal = (try? STUNMessage(parsing: out[0].octets))
    #expect(refusal?.errorCode?.code == 420)
    #expect(refusal?.unknownAttributes == [0x0024])
  }

  @Test("a checked pair ends the checks and the polls, and sixteen datagrams go out") func checked() {
    var tv = Living()
    tv.joins()
    let check = tv.sends().last!
    tv.hears(Living.answer(to: check), from: peerEndpoint)
    let data = tv.sends()
    #expect(data.count == 16)
    #expect(data.map(\.to) == Array(repeating: peerEndpoint, count: 16))
    #expect(data[3].octets.prefix(7) == [0x48, 0x42, 0x50, 0x44, 0x44, 0, 3])
    #expect(data.map(\.octets.count).max() == 7 + 1200)
    #expect(data.map(\.octets.count).min() == 7 + 75)
    #expect(tv.calls.isEmpty)
    for sequence in 0..<16 where sequence != 5 {
      tv.hears([0x48, 0x42, 0x50, 0x44, 0x41, 0, UInt8(sequence)], from: peerEndpoint)
    }
    tv.passes(0.1)
    #expect(tv.sends().map { $0.octets[6] } == [5])
    tv.passes(5)
    #expect(tv.sends().count == 9)
    #expect(tv.connection["acknowledged"] == 15)
    #expect(tv.connection["repeats"] == 10)
    #expect(tv.connection["lost"] == 1)
    #expect(!tv.requests.contains { $0.path.hasSuffix("/mapping") })
  }

  @Test("data is acknowledged to where it came from, and counted once") func dataIn() {
    var tv = Living()
    tv.joins()
    tv.hears(Living.answer(to: tv.sends().last!), from: peerEndpoint)
    _ = tv.sends()
    let data = Array("HBPD".utf8) + [0x44, 0, 9, 1, 2, 3]
    tv.hears(data, from: peerEndpoint)
    tv.hears(data, from: peerEndpoint)
    #expect(tv.sends().map(\.octets) == Array(repeating: Array("HBPD".utf8) + [0x41, 0, 9], count: 2))
    #expect(tv.connection["received"] == 1)
    #expect(tv.connection["duplicates"] == 1)
    // Too short, another type, a sequence number above 15, an acknowledgement with a payload.
    for rest: [UInt8] in [
      [], [0x44], [0x44, 0], [0x44, 0, 16], [0x44, 1, 0xFF], [0x42, 0, 1], [0x41, 0, 1, 0xFF],
    ] {
      tv.hears(Array("HBPD".utf8) + rest, from: peerEndpoint)
    }
    tv.hears(Array("HBPD".utf8) + [0x44, 0, 1] + [UInt8](repeating: 0, count: 1201), from: peerEndpoint)
    #expect(tv.sends().isEmpty)
    #expect(tv.connection["received"] == 1)
  }

  @Test("two agents find each other and exchange all, also where every third datagram is lost", arguments: [0, 3])
  func twoAgents(loss: Int) {
    var a = Living()
    var b = Living(
      CEAgentSettings(agentId: peerAgentId, device: device), word: 0xFEED_FACE_CAFE_BEEF)
    let (addressA, addressB) = (Endpoint("203.0.113.1:50021")!, Endpoint("203.0.113.2:50021")!)
    let offerA = PeerCandidate(.srflx, addressA).json
    let offerB = PeerCandidate(.srflx, addressB).json
    for (session, offer) in [(Living.session(), offerB), (Living.session(role: "controlled"), offerA)] {
      var tv = session["role"] == "controlling" ? a : b
      tv.starts()
      tv.discovered()
      var reply = Living.registerReply().json!
      reply["agentId"] = .string(tv.agent.settings.agentId)
      tv.answers(.json(201, reply))
      tv.passes(1.5)
      tv.wishes([
        "peer": ["homeId": "elsewhere", "agentId": "cccccccc-0000-4000-8000-000000000021"], "application": "share",
        "localPort": 50_021,
      ])
      tv.answersCall("/connections", .json(200, session))
      tv.answersBinding(with: session["role"] == "controlling" ? addressA : addressB)
      tv.answersCall(Living.joinPath, .json(200, ["candidates": [offer]]))
      if session["role"] == "controlling" { a = tv } else { b = tv }
    }
    // Chance, not a rhythm that meets the same datagram every time.
    let chance = Counter(7)
    var checks = 0
    for _ in 0..<100 {
      let (fromA, fromB) = (a.sends(), b.sends())
      checks += (fromA + fromB).count { $0.octets.first == 0 }
      for datagram in fromA where datagram.to == addressB {
        if loss == 0 || chance.next() % UInt64(loss) != 0 { b.hears(datagram.octets, from: addressA) }
      }
      for datagram in fromB where datagram.to == addressA {
        if loss == 0 || chance.next() % UInt64(loss) != 0 { a.hears(datagram.octets, from: addressB) }
      }
      a.passes(0.02)
      b.passes(0.02)
    }
    // Checks end when they have got through: neither answers a check with a check for ever.
    #expect(checks < 40)
    for var tv in [a, b] {
      #expect(tv.connection["state"] == "connected")
      #expect(tv.connection["acknowledged"] == 16)
      #expect(tv.connection["received"] == 16)
      #expect(tv.connection["lost"] == 0)
    }
  }
}
