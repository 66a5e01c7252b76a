import Messages
import RoleKit
import Testing

@testable import CEAgentRole

@Suite("4.3: the connection changes, the agent asks for re-registration") struct ConnectionChangeTests {
  @Test(
    "after a link-up, an address change or a gateway change it searches and registers anew",
    arguments: [
      interface(["192.168.10.99/24"]), interface(gateway: "192.168.10.254"), interface(gateway: nil),
      interface(["192.168.10.21/25"]), interface(["192.168.10.21/24", "192.168.10.22/24"]),
    ])
  func change(to state: InterfaceState) throws {
    var tv = Living()
    tv.registers()
    _ = tv.sentRegisters()
    _ = tv.searches()
    tv.receives(.interface(state))
    tv.passes(0.02)
    #expect(tv.searches() == 1)
    tv.discovered()
    let register = try #require(tv.sentRegisters().first)
    #expect(register.body["reason"] == "connection-change")
    #expect(register.request.bearerToken == "token-of-a")
    tv.answers(Living.registerReply(status: 200))
    #expect(tv.state == "registered")
  }

  @Test func unpluggedAndPluggedInAgain() throws {
    var tv = Living()
    tv.registers()
    _ = tv.sentRegisters()
    _ = tv.searches()
    tv.receives(.interface(interface(up: false)))
    #expect(tv.problems == ["no-link"])
    tv.passes(3600)
    #expect(tv.searches() == 0)
    #expect(tv.calls.isEmpty)
    tv.receives(.interface(interface()))
    #expect(tv.problems == [])
    tv.passes(0.02)
    #expect(tv.searches() == 1)
    tv.discovered()
    #expect(tv.sentRegisters().first?.body["reason"] == "connection-change")
  }

  @Test("one change that comes in pieces is one search")
  func pieces() {
    var tv = Living()
    tv.registers()
    _ = tv.searches()
    tv.receives(.interface(interface([], gateway: nil)))
    #expect(tv.problems == ["no-address"])
    tv.receives(.interface(interface(["192.168.10.30/24"], gateway: nil)))
    tv.passes(0.01)
    tv.receives(.interface(interface(["192.168.10.30/24"], gateway: "192.168.10.1")))
    tv.passes(0.019)
    #expect(tv.searches() == 0)
    tv.passes(0.001)
    #expect(tv.searches() == 1)
    #expect(tv.problems == [])
    tv.discovered()
    #expect(tv.sentRegisters().last?.body["configurationURL"] == "http://192.168.10.30:49210/configuration")
  }

  @Test("DNS servers and the same state again are no reason to search")
  func noReason() {
    var tv = Living()
    tv.registers()
    _ = tv.searches()
    var state = interface()
    tv.receives(.interface(state))
    state.dnsServers = []
    tv.receives(.interface(state))
    tv.passes(10)
    #expect(tv.searches() == 0)
    #expect(tv.state == "registered")
  }

  @Test("at another configurator the device is new, even after a change")
  func anotherHome() {
    var tv = Living()
    tv.registers()
    _ = tv.sentRegisters()
    tv.receives(.interface(interface(["192.168.10.77/24"])))
    tv.passes(0.02)
    tv.passes(7.5)
    tv.discovered(configuratorB)
    tv.passes(1.5)
    #expect(tv.sentRegisters().first?.body["reason"] == "new-device")
  }

  @Test("a register under way is given up when the address goes; its key serves a repeat with the same body")
  func whileRegistering() {
    var tv = Living()
    tv.starts()
    tv.discovered()
    #expect(tv.calls.count == 1)
    tv.receives(.interface(interface(up: false)))
    #expect(tv.calls.isEmpty)
    tv.receives(.interface(interface()))
    tv.passes(0.02)
    tv.discovered()
    let registers = tv.sentRegisters()
    #expect(registers.count == 2)
    #expect(registers[0].request.idempotencyKey == registers[1].request.idempotencyKey)
    #expect(registers[0].body == registers[1].body)
  }

  @Test("a change while refreshing ends the refresh")
  func whileRefreshing() {
    var tv = Living()
    tv.registers(lifetime: 60)
    tv.passes(29)
    #expect(tv.calls.count == 1)
    tv.receives(.interface(interface(["192.168.10.40/24"])))
    #expect(tv.calls.isEmpty)
    tv.passes(0.02)
    _ = tv.sentRegisters()
    tv.discovered()
    #expect(tv.sentRegisters().first?.body["reason"] == "connection-change")
  }

  @Test("a change ends the wait after a refusal")
  func whileRefused() {
    var tv = Living()
    tv.starts()
    tv.discovered()
    tv.answers(HTTPResponse(409))
    _ = tv.searches()
    tv.receives(.interface(interface(["192.168.10.40/24"])))
    tv.passes(0.02)
    #expect(tv.searches() == 1)
    tv.passes(61)
    tv.discovered()
    #expect(tv.calls.isEmpty, "the old wait began no second ladder")
  }

  @Test func withoutALinkAtStartItWaits() {
    var tv = Living()
    tv.starts([interface(up: false)])
    #expect(tv.isReady)
    #expect(tv.problems == ["no-link"])
    #expect(tv.searches() == 0)
    tv.receives(.interface(interface()))
    tv.passes(0.02)
    tv.discovered()
    #expect(tv.sentRegisters().first?.body["reason"] == "new-device", "it was never registered")
  }

  @Test("an address that a device gave itself is none", arguments: ["169.254.7.7/16", "fe80::1/64", "0.0.0.0/0"])
  func linkLocal(address: String) {
    var tv = Living()
    tv.starts([interface([address], gateway: nil)])
    #expect(tv.problems == ["no-address"])
    #expect(tv.searches() == 0)
  }

  @Test("a gateway outside the subnet, or the device itself, is wrong", arguments: ["192.168.11.1", "192.168.10.21"])
  func wrongGateway(gateway: String) {
    var tv = Living()
    tv.starts([interface(gateway: gateway)])
    #expect(tv.problems == ["wrong-gateway"])
    // It registers all the same: the configurator is in the subnet.
    tv.discovered()
    tv.answers(Living.registerReply())
    #expect(tv.state == "problem")
    tv.receives(.interface(interface()))
    #expect(tv.problems == [])
  }

  @Test("of two interfaces the loss of the other one changes nothing; the loss of ours does")
  func twoInterfaces() {
    let second = interface(["10.1.0.5/16"], name: "eth1", gateway: nil)
    var tv = Living()
    tv.starts([interface(), second])
    tv.discovered()
    tv.answers(Living.registerReply())
    tv.passes(2)
    _ = tv.searches()
    var down = second
    down.isUp = false
    tv.receives(.interface(down))
    tv.passes(1)
    #expect(tv.searches() == 0)
    tv.receives(.interface(second))
    tv.passes(0.02)
    #expect(tv.searches() == 2, "a link-up is a reason, on both")
    tv.discovered()
    tv.answers(Living.registerReply(status: 200))
    tv.passes(2)
    tv.receives(.interface(interface(up: false)))
    tv.passes(0.02)
    #expect(tv.searches() == 1)
    #expect(tv.problems == [])
  }

  @Test("the device announces itself at a new address")
  func announces() {
    var tv = Living()
    tv.registers()
    tv.datagrams.removeAll()
    tv.receives(.interface(interface(["192.168.10.40/24"])))
    let notices = tv.datagrams.filter { $0.text.hasPrefix("NOTIFY") }
    #expect(notices.count == 3)
    #expect(notices.allSatisfy { $0.text.contains("LOCATION: http://192.168.10.40:49210/description.xml\r\n") })
  }
}
