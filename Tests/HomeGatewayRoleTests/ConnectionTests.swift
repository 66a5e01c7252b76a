import HomeGatewayRole
import Messages
import RoleKit
import Testing

@Suite struct ConnectionTests {
  @Test func theConnectionIsToldAsItIs() throws {
    var gateway = GatewayDialogue()
    gateway.wait(seconds: 42)
    #expect(try gateway.call("GetExternalIPAddress") == ["NewExternalIPAddress": "11.22.33.1"])
    #expect(
      try gateway.call("GetStatusInfo", version: 1) == [
        "NewConnectionStatus": "Connected", "NewLastConnectionError": "ERROR_NONE", "NewUptime": "42",
      ])
    #expect(
      try gateway.call("GetConnectionTypeInfo") == [
        "NewConnectionType": "IP_Routed", "NewPossibleConnectionTypes": "IP_Routed",
      ])
    #expect(try gateway.call("GetNATRSIPStatus") == ["NewRSIPAvailable": "0", "NewNATEnabled": "1"])
    gateway.perform(.interface(GatewayDialogue.interface("eth0", "11.22.33.1/24", isUp: false)))
    #expect(try gateway.call("GetExternalIPAddress") == ["NewExternalIPAddress": ""])
    let down = try gateway.call("GetStatusInfo")
    #expect(down["NewConnectionStatus"] == "Disconnected" && down["NewLastConnectionError"] == "ERROR_NO_CARRIER")
    #expect(down["NewUptime"] == "0")
    gateway.perform(.interface(GatewayDialogue.interface("eth0", nil)))
    #expect(try gateway.call("GetStatusInfo")["NewLastConnectionError"] == "ERROR_IP_CONFIGURATION")
  }

  @Test func linkAndCountersAreTold() throws {
    var gateway = GatewayDialogue()
    let link = try gateway.call("GetCommonLinkProperties", version: 1, of: .wanCommonInterfaceConfig)
    #expect(link["NewWANAccessType"] == "Ethernet" && link["NewPhysicalLinkStatus"] == "Up")
    let actions = ["TotalBytesSent", "TotalBytesReceived", "TotalPacketsSent", "TotalPacketsReceived"]
    let exchanges = actions.map {
      gateway.send(GatewayDialogue.request("Get" + $0, version: 1, of: .wanCommonInterfaceConfig))
    }
    #expect(gateway.counts == ["eth0"])
    let counters = InterfaceCounters(
      octetsSent: 1 << 32 + 5, octetsReceived: 6, packetsSent: 7, packetsReceived: UInt64(UInt32.max))
    gateway.perform(.counted(interface: "eth0", counters))
    for (exchange, (name, value)) in zip(exchanges, zip(actions, ["5", "6", "7", "4294967295"])) {
      #expect(try GatewayDialogue.outputs(try #require(gateway.replies[exchange])) == ["New" + name: value])
    }
    let lost = gateway.send(GatewayDialogue.request("GetTotalBytesSent", version: 1, of: .wanCommonInterfaceConfig))
    gateway.perform(.counted(interface: "eth0", nil))
    #expect(try GatewayDialogue.fault(gateway.replies[lost]) == 501)
  }

  @Test func echoIsForTheHome() {
    var gateway = GatewayDialogue()
    let port = Endpoint(GatewayDialogue.inside.address, 7)
    let tv = Endpoint(GatewayDialogue.tv, 40_000)
    gateway.perform(.datagram([1, 2, 3], from: tv, to: port))
    #expect(gateway.echoes.count == 1)
    #expect(gateway.echoes[0].octets == [1, 2, 3] && gateway.echoes[0].from == port && gateway.echoes[0].to == tv)
    // From outside, to another port, or from a port that would answer the answer.
    gateway.perform(
      .datagram([1], from: Endpoint(GatewayDialogue.stranger, 40_000), to: Endpoint(GatewayDialogue.outside.address, 7))
    )
    gateway.perform(.datagram([1], from: Endpoint(GatewayDialogue.stranger, 40_000), to: port))
    gateway.perform(.datagram([1], from: Endpoint(GatewayDialogue.tv, 7), to: port))
    gateway.perform(.datagram([1], from: Endpoint(GatewayDialogue.tv, 19), to: port))
    gateway.perform(.datagram([1], from: tv, to: Endpoint(GatewayDialogue.inside.address, 9)))
    #expect(gateway.echoes.count == 1)
  }
}
