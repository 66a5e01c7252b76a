import HomeGatewayRole
import Messages
import RoleKit
import Testing

@Suite struct LeaseTests {
  private func left(_ gateway: inout GatewayDialogue, _ port: Int = 18080) throws -> Int? {
    try gateway.call("GetSpecificPortMappingEntry", GatewayDialogue.key(port))["NewLeaseDuration"].flatMap { Int($0) }
  }

  @Test func aLeaseRunsDownAndEnds() throws {
    var gateway = GatewayDialogue()
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping())
    gateway.wait(seconds: 100)
    #expect(try left(&gateway) == 200)
    gateway.wait(seconds: 199)
    #expect(gateway.passing == [GatewayDialogue.passing])
    gateway.wait(seconds: 1.1)
    #expect(gateway.passing.isEmpty && gateway.store["mappings"]?.isEmpty == true)
    #expect(try gateway.error("GetSpecificPortMappingEntry", GatewayDialogue.key()) == 714)
    #expect(gateway.timers[TimerName("lease")] == nil)
  }

  @Test func itIsRenewedByAskingAgain() throws {
    var gateway = GatewayDialogue()
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping())
    gateway.wait(seconds: 250)
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping())
    gateway.wait(seconds: 250)
    #expect(gateway.passing == [GatewayDialogue.passing])
    #expect(try left(&gateway) == 50)
  }

  @Test func noneMeansAWeekAndNothingLasts() throws {
    var gateway = GatewayDialogue()
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping(["NewLeaseDuration": "0"]))
    #expect(try left(&gateway) == 604_800)
    let long = GatewayDialogue.mapping(["NewLeaseDuration": "4294967295", "NewExternalPort": "2"])
    _ = try gateway.call("AddPortMapping", long, version: 1)
    #expect(try left(&gateway, 2) == 604_800)
    gateway.wait(seconds: 604_801)
    #expect(gateway.passing.isEmpty)
  }

  @Test func theEarliestEndsFirst() throws {
    var gateway = GatewayDialogue()
    for (port, seconds) in [("3", "30"), ("1", "10"), ("2", "20")] {
      _ = try gateway.call(
        "AddPortMapping", GatewayDialogue.mapping(["NewExternalPort": port, "NewLeaseDuration": seconds]))
    }
    for rest in [[2, 3], [3], []] as [Set<UInt16>] {
      gateway.wait(seconds: 10)
      #expect(Set(gateway.passing.map(\.externalPort)) == rest)
    }
  }

  @Test func aRestartBringsBackWhatHasNotEnded() throws {
    var gateway = GatewayDialogue()
    for (port, seconds) in [("3", "300"), ("1", "100"), ("2", "200")] {
      _ = try gateway.call(
        "AddPortMapping", GatewayDialogue.mapping(["NewExternalPort": port, "NewLeaseDuration": seconds]))
    }
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping(["NewExternalPort": "4", "NewEnabled": "0"]))
    gateway.restart(after: 150)
    #expect(gateway.isReady)
    #expect(Set(gateway.passing.map(\.externalPort)) == [2, 3])
    gateway.wait(seconds: 0)
    #expect(gateway.store["mappings"]?.keys.sorted() == ["tcp/2/*", "tcp/3/*", "tcp/4/*"])
    #expect(try left(&gateway, 2) == 50)
    // In the order in which they were made.
    #expect(try gateway.call("GetGenericPortMappingEntry", [("NewPortMappingIndex", "0")])["NewExternalPort"] == "3")
    gateway.wait(seconds: 51)
    #expect(Set(gateway.passing.map(\.externalPort)) == [3])
  }

  @Test func itIsReadyWhenTheMappingsPassAgain() throws {
    var gateway = GatewayDialogue()
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping())
    gateway.mapper = .waits
    gateway.restart(after: 1)
    #expect(!gateway.isReady)
    gateway.mapWaiting()
    #expect(gateway.isReady)
    gateway.mapper = .fails
    gateway.restart(after: 1)
    #expect(gateway.isReady && gateway.passing.isEmpty)
    #expect(gateway.reports.contains { $0.code == "mapping-lost" })
    #expect(gateway.store["mappings"]?.isEmpty == true)
  }

  @Test func aRowThatIsNoneIsLeftAlone() throws {
    var gateway = GatewayDialogue(starts: false)
    gateway.store["mappings"] = ["tcp/x/*": [:], "tcp/80/*": ["internalClient": "192.168.10.21"]]
    gateway.start()
    #expect(gateway.isReady && gateway.passing.isEmpty)
    #expect(gateway.reports.filter { $0.code == "row-unreadable" }.count == 2)
    #expect(gateway.store["mappings"]?.count == 2)
  }

  /// The end of a lease that could not be stored comes again.
  @Test func aFailingStoreIsAskedAgain() throws {
    var gateway = GatewayDialogue()
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping())
    gateway.storeFails = true
    gateway.wait(seconds: 301)
    #expect(gateway.passing == [GatewayDialogue.passing])
    gateway.storeFails = false
    gateway.wait(seconds: 1.1)
    #expect(gateway.passing.isEmpty)
  }

  /// A mapping that can neither be made again nor forgotten keeps nobody waiting.
  @Test func itIsReadyThoughTheStoreFails() throws {
    var gateway = GatewayDialogue()
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping())
    gateway.mapper = .fails
    gateway.storeFails = true
    gateway.restart(after: 1)
    #expect(gateway.isReady && gateway.passing.isEmpty)
    gateway.storeFails = false
    #expect(try gateway.error("GetSpecificPortMappingEntry", GatewayDialogue.key()) == 714)
  }
}
