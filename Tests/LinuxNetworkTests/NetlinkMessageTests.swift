import CLinux
import Testing

@testable import LinuxNetwork

@Suite struct NetlinkMessageTests {
  func octets(_ message: NetlinkMessage, flags: Int32 = 0) -> [UInt8] {
    var octets: [UInt8] = []
    message.write(to: &octets, sequence: 7, moreFlags: flags)
    return octets
  }

  @Test func theHeaderCountsEverything() {
    let written = octets(.set(index: 5, .up), flags: NLM_F_ACK)
    #expect(written.count == 32)
    // nlmsghdr: length, type RTM_NEWLINK or RTM_SETLINK, flags REQUEST and ACK, sequence, port.
    #expect(written[0..<16].elementsEqual([32, 0, 0, 0, 19, 0, 5, 0, 7, 0, 0, 0, 0, 0, 0, 0]))
    // ifinfomsg: family, type, index 5, flags IFF_UP, change IFF_UP.
    #expect(written[16...].elementsEqual([0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]))
  }

  @Test func attributesArePaddedAndNested() throws {
    var message = NetlinkMessage(RTM_NEWLINK, fixed: ifinfomsg(), "try")
    message.append(1, "abc")
    message.append(2, UInt16(0x0102))
    message.nest(3) { inner in
      inner.append(4, [9] as [UInt8])
      inner.append(5, "")
    }
    #expect(message.body.count % 4 == 0)
    let reply = try #require(NetlinkReply.messages(in: octets(message)).first)
    let attributes = reply.attributes(after: MemoryLayout<ifinfomsg>.size)
    #expect(attributes.map(\.type) == [1, 2, 3])
    #expect(attributes[0].value.text == "abc")
    #expect(attributes[1].value.number(as: UInt16.self) == 0x0102)
    let inner = NetlinkReply.attributes(in: attributes[2].value)
    #expect(inner.map(\.type) == [4, 5])
    #expect(Array(inner[0].value) == [9])
    #expect(inner[1].value.text == "")
  }

  @Test func damagedRepliesAreReadAsFarAsTheyGo() {
    let whole = octets(.add(address: [192, 168, 10, 21], prefixLength: 24, index: 2))
    #expect(NetlinkReply.messages(in: whole).count == 1)
    for length in 0..<whole.count {
      let cut = Array(whole.prefix(length))
      #expect(NetlinkReply.messages(in: cut).isEmpty)
    }
    for index in whole.indices {
      var damaged = whole
      damaged[index] ^= 0xFF
      for reply in NetlinkReply.messages(in: damaged) { _ = reply.attributes(after: MemoryLayout<ifaddrmsg>.size) }
    }
  }

  @Test func anAddressHasItsBroadcastAddress() throws {
    let reply = try #require(
      NetlinkReply.messages(in: octets(.add(address: [10, 1, 2, 3], prefixLength: 20, index: 2))).first)
    let attributes = reply.attributes(after: MemoryLayout<ifaddrmsg>.size)
    #expect(attributes.map { Array($0.value) } == [[10, 1, 2, 3], [10, 1, 2, 3], [10, 1, 15, 255]])
  }
}

@Suite struct SystemErrorTests {
  @Test func saysWhatWasAskedAndWhy() {
    let error = SystemError("create the link a - b", number: 1, detail: "no such bridge")
    #expect("\(error)" == "cannot create the link a - b: Operation not permitted (no such bridge)")
    #expect(error == SystemError("something else", number: 1))
    #expect("\(SystemError("x", number: 123_456))" == "cannot x: error 123456")
  }

  @Test func negativeResultsAreThrown() throws {
    #expect(try SystemError.check(Int32(3), "count") == 3)
    #expect(throws: SystemError("open", number: 2)) { try SystemError.check(Int32(-2), "open") }
  }

  @Test func theKernelsRefusalNamesTheRequest() throws {
    let route = try RouteSocket()
    let requests = (0..<20).map { _ in NetlinkMessage.getLink(index: 1) }
    // Many at once, answers included, and the one that is refused is told by name.
    #expect(throws: SystemError("look at interface 999999", number: 19)) {
      try route.perform(requests + [.getLink(index: 999_999)])
    }
    for _ in 0..<10 { try route.perform(requests) }
    #expect(try route.list(.listLinks()).count >= 1)
  }
}

@Suite struct CommandsTests {
  @Test func aShortProgramsStatusAndWordsComeBack() throws {
    let result = try Commands.run("/bin/sh", ["-c", "read word; echo \"$word\" >&2; exit 9"], input: "hello\n")
    #expect(result.status == 9)
    #expect(result.errors == "hello\n")
    #expect(try Commands.run("/bin/sh", ["-c", "kill -15 $$"]).status == 143)
  }

  @Test func aMissingProgramIsTold() {
    #expect(throws: SystemError("start /nonexistent", number: 2)) { try Commands.run("/nonexistent", []) }
  }
}
