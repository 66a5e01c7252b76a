import Testing

@testable import CEAgentRole

@Suite("peer data: sixteen datagrams, each acknowledged (profile section 6)") struct PeerTransferTests {
  @Test("what nobody acknowledges goes out eleven times in all") func givenUp() {
    var transfer = PeerTransfer()
    var rounds = 0
    while !transfer.round().isEmpty { rounds += 1 }
    #expect(rounds == 11)
    #expect(transfer.repeats == 160)
    #expect(transfer.lost == 16)
    // An acknowledgement that comes after all still counts.
    #expect(transfer.receive([0x48, 0x42, 0x50, 0x44, 0x41, 0, 15]) == .acknowledged)
    #expect(transfer.lost == 15)
  }

  @Test("an acknowledgement of what was not sent is none") func early() {
    var transfer = PeerTransfer()
    #expect(transfer.receive([0x48, 0x42, 0x50, 0x44, 0x41, 0, 0]) != .acknowledged)
    #expect(transfer.acknowledged == 0)
  }
}
