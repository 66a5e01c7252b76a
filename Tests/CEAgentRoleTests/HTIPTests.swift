import CEAgentRole
import Messages
import RoleKit
import Testing

extension Living {
  /// The frames that were sent since this was last asked.
  fileprivate mutating func frames() throws -> [HTIPFrame] {
    defer { order = [] }
    return try order.compactMap { effect in
      guard case .frame(let octets, _) = effect else { return nil }
      return try HTIPFrame.parse(octets[...], allowing: []).frame
    }
  }
}

@Suite struct HTIPTests {
  @Test func theDeviceTellsOfItselfAtItsStart() throws {
    var room = Living()
    room.receives(.started(rows: [], interfaces: [interface()]))
    #expect(room.order.contains(.openFrames(interface: "eth0")))
    let frames = try room.frames()
    #expect(frames.count == 1)
    #expect(frames[0].chassis == .mac(MACAddress("02:00:00:00:00:21")!))
    #expect(frames[0].timeToLive == 120)
    #expect(frames[0].items.map(\.id) == [.category, .manufacturerCode, .modelName, .modelNumber, .status, .interval])
    #expect(frames[0][.status]?.text == "OK")
  }

  @Test func aChangeIsToldAtOnceAndNothingElseIs() throws {
    var room = Living()
    room.receives(.started(rows: [], interfaces: [interface()]))
    _ = try room.frames()
    room.receives(.interface(interface(["192.168.10.22/24"])))
    #expect(try room.frames().count == 1)
    room.receives(.interface(interface(["192.168.10.22/24"], up: false)))
    #expect(try room.frames().isEmpty)
    room.receives(.interface(interface(["192.168.10.22/24"])))
    #expect(try room.frames().count == 1)
    room.receives(.fired(TimerName("advertise")))
    #expect(try room.frames().count == 1)
  }

  @Test func aProblemIsPartOfTheStatus() throws {
    var room = Living()
    room.receives(.started(rows: [], interfaces: [interface()]))
    _ = try room.frames()
    room.receives(.interface(interface(gateway: "192.168.99.1")))
    let frames = try room.frames()
    #expect(frames.last?[.status]?.text == "WRONG-GATEWAY")
  }

  @Test func aStopTakesItBack() throws {
    var room = Living()
    room.receives(.started(rows: [], interfaces: [interface()]))
    _ = try room.frames()
    room.receives(.stopping)
    #expect(try room.frames().map(\.timeToLive) == [0])
  }

  @Test func withoutAHardwareAddressNothingIsSent() throws {
    var room = Living()
    var bare = interface()
    bare.macAddress = nil
    room.receives(.started(rows: [], interfaces: [bare]))
    #expect(try room.frames().isEmpty)
  }
}
