extension MessageCatalogue {
  /// Profile section 8.
  static let checks: [MessageDefinition] = {
    let requestId = MessageField("requestId", .string, "the request")
    let result = MessageField("result", FieldShapes.outcome, "how it went")
    let findings = MessageField("findings", FieldShapes.findings, "what is wrong")
    let items = MessageField("checks", FieldShapes.checks, "what was done")
    let username = MessageField("username", .string, source: .packet, "<requestId>:<who asks>")

    let operatorCheck = MessageDefinition(
      "operator-check", [MessageDirection(.operator, .serviceServer)],
      .http(
        method: "POST",
        paths: [
          "/v1/homes/{homeId}/agents/{agentId}/reachability-checks",
          "/v1/homes/{homeId}/agents/{agentId}/application-checks",
        ], at: .serviceServer), section: 8, summary: ["agentId", "application"],
      fields: [
        FieldShapes.homeId, FieldShapes.agentId,
        MessageField("application", .string, "of an application check: the application"),
      ] + FieldShapes.keyed, "The operator asks for a check of an agent or of its application.")
    let check = MessageDefinition(
      "check", [MessageDirection(.configurator, .ce)], .http(method: "POST", paths: ["/checks"], at: .ce), section: 8,
      summary: ["requestId", "kind"],
      fields: [
        requestId, MessageField("kind", .words(["reachability", "application"]), isRequired: true, "what to check"),
        MessageField("application", .string, "the application"),
        MessageField(
          "targets",
          .object([
            MessageField("gateway", .address, "the gateway"), MessageField("echoPort", .integer, "its echo port"),
            MessageField("stun", .string, "the server's STUN address, host:port"),
          ]), "what to check against"),
      ] + FieldShapes.keyed, "The configurator asks the agent to check.")
    let probe = MessageDefinition(
      "application-probe", [MessageDirection(.configurator, .serviceServer)],
      .http(method: "POST", paths: ["/v1/homes/{homeId}/requests/{requestId}/probe"], at: .serviceServer), section: 8,
      summary: ["address", "port"],
      fields: [
        FieldShapes.homeId, MessageField("requestId", .string, isRequired: true, source: .path, "the request"),
        MessageField("address", .address, isRequired: true, "where to connect to"),
        MessageField("port", .integer, isRequired: true, "the port"),
        MessageField("protocol", FieldShapes.transport, isRequired: true, "tcp or udp"),
      ] + FieldShapes.keyed, "The configurator has the server connect from outside.")
    let serverCheck = MessageDefinition(
      "server-check", [MessageDirection(.configurator, .serviceServer)], .stun, section: 8,
      summary: ["username"], fields: FieldShapes.stunRequest(username), "The configurator checks the way to the server."
    )
    let agentServerCheck = MessageDefinition(
      "agent-server-check", [MessageDirection(.ce, .serviceServer)], .stun, section: 8,
      summary: ["username"], fields: FieldShapes.stunRequest(username), "The agent checks the way to the server.")
    let gatewayCheck = MessageDefinition(
      "gateway-check", [MessageDirection(.ce, .homeGateway)], .datagram("ICMP echo, or UDP echo (RFC 862)"),
      section: 8, summary: [], fields: [], "The agent checks the way to the gateway.")
    return [
      operatorCheck,
      operatorCheck.reply(
        summary: ["status", "result"],
        fields: [
          requestId, result, findings, items,
          MessageField("serverCounts", FieldShapes.counts, "the bindings that the server saw"),
        ], "What the check found."),
      check, check.reply(summary: ["status", "result"], fields: [result, findings, items], "What the agent found."),
      serverCheck, stunReply(to: serverCheck, fields: FieldShapes.stunReply, "The server answers."),
      gatewayCheck, stunReply(to: gatewayCheck, fields: [], "The gateway answers."),
      agentServerCheck, stunReply(to: agentServerCheck, fields: FieldShapes.stunReply, "The server answers."),
      probe,
      probe.reply(
        summary: ["status", "reachable"],
        fields: [
          MessageField("reachable", .boolean, "whether anything answered"),
          MessageField("detail", .string, "what was seen; of a problem: what was wrong"),
          MessageField("rttMs", .number, "the round trip, in ms"),
        ], "What the server found."),
    ]
  }()

  /// What else crosses the links and never fails a scenario by itself (rule S3).
  static let surroundings: [MessageDefinition] = {
    func packet(
      _ name: String, _ packet: MessageBinding.Packet, _ directions: [MessageDirection], _ summary: [String],
      _ fields: [MessageField], _ meaning: String
    ) -> MessageDefinition {
      MessageDefinition(
        name, directions, .packet(packet), section: 0, background: .always, summary: summary, fields: fields, meaning)
    }
    func field(_ name: String, _ type: FieldType, _ meaning: String) -> MessageField {
      MessageField(name, type, source: .packet, meaning)
    }
    let anywhere = [MessageDirection(.any, .any), MessageDirection(.any, .network)]
    return [
      packet(
        "htip", .htip, [MessageDirection(.any, .network)], ["chassisId", "portId"], htipFields,
        "An HTIP agent tells what it is, or what its forwarding table holds."),
      packet(
        "arp", .arp, anywhere, ["operation", "targetAddress"],
        [
          field("operation", .words(["request", "reply"]), "request or reply"),
          field("senderMAC", .mac, "the sender's MAC address"),
          field("senderAddress", .address, "the sender's IP address"),
          field("targetAddress", .address, "the IP address in question"),
        ], "A node asks for a neighbour's MAC address, or tells its own."),
      packet(
        "icmp", .icmp, anywhere, ["type", "code"],
        [
          field("type", .integer, "the type, such as 8 for an echo request"), field("code", .integer, "the code"),
        ], "An ICMP message."),
      packet(
        "dhcp", .dhcp, anywhere, ["messageType"],
        [
          field("messageType", .integer, "option 53: 1 DISCOVER, 2 OFFER, 3 REQUEST, 5 ACK ..."),
          field("clientMAC", .mac, "the MAC address of the client, whoever sends the message"),
          field("yourAddress", .address, "the address that is offered or given"),
          field("requestedAddress", .address, "option 50: the address that the client would like to have"),
          field("lease", .integer, "option 51: seconds for which the address is lent"),
        ], "A DHCP message."),
      packet(
        "dns", .dns, anywhere, ["question"],
        [
          field("question", .string, "the first name asked for"),
          field("isReply", .boolean, "whether it answers"),
        ], "A DNS message."),
    ]
  }()
}
