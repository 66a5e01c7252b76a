extension FieldShapes {
  static let natBehaviour = FieldType.words([
    "endpoint-independent", "address-dependent", "address-and-port-dependent", "unknown",
  ])

  static let sessionFields: [MessageField] = [
    MessageField("sessionId", .string, "the session"),
    MessageField("sessionToken", .string, "the half's own token"),
    MessageField("checkKey", .string, "the key of the checks, common to both halves"),
    MessageField("natMapping", natBehaviour, "how this half's gateway maps"),
    MessageField("peerNatMapping", natBehaviour, "how the other half's gateway maps"),
    MessageField("role", .words(["controlling", "controlled"]), "this half's role"),
    MessageField("stun", .string, "the server's STUN address, host:port"),
    MessageField("server", .url, "the server's address"), MessageField("expires", .time, "when the session ends"),
  ]
  static let session = FieldType.object(sessionFields)

  static let candidates = FieldType.array(
    .object([
      MessageField("type", .words(["host", "srflx", "mapped"]), "how the address was learnt"),
      MessageField("address", .address, "the address"), MessageField("port", .integer, "the port"),
    ]))
}

extension MessageCatalogue {
  /// Profile section 6.
  static let peers: [MessageDefinition] = {
    let toConfigurator = [MessageDirection(.ce, .configurator)]
    let toServer = [MessageDirection(.ce, .serviceServer)]
    let peer = MessageField("peer", FieldShapes.peer, isRequired: true, "the other end")
    let application = MessageField("application", .string, isRequired: true, "the application")
    let sessionId = MessageField("sessionId", .string, isRequired: true, source: .path, "the session")
    let username = MessageField("username", .string, source: .packet, "<sessionId>:<role of the sender>")
    let mappedAddress = MessageField(
      "xorMappedAddress", .string, source: .packet, "the address and port that the request came from")

    let connect = MessageDefinition(
      "peer-connect", toConfigurator, .http(method: "POST", paths: ["/connections"], at: .configurator), section: 6,
      summary: ["peer", "application"],
      fields: [peer, application, MessageField("localPort", .integer, isRequired: true, "the agent's UDP port")]
        + FieldShapes.keyed, "An agent asks its configurator for a connection to another home's agent.")
    let negotiate = MessageDefinition(
      "peer-negotiate", [MessageDirection(.configurator, .serviceServer)],
      .http(method: "POST", paths: ["/v1/peer-connections"], at: .serviceServer), section: 6,
      summary: ["homeId", "agentId"],
      fields: [
        MessageField("homeId", .string, isRequired: true, "the home"),
        MessageField("agentId", .uuid, isRequired: true, "the agent"), peer, application,
        MessageField("natMapping", FieldShapes.natBehaviour, "how the gateway maps (RFC 4787)"),
        MessageField("natFiltering", FieldShapes.natBehaviour, "how the gateway filters (RFC 4787)"),
      ] + FieldShapes.keyed, "The configurator negotiates the connection with the service server.")
    let join = MessageDefinition(
      "session-join", toServer,
      .http(method: "POST", paths: ["/v1/sessions/{sessionId}/candidates"], at: .serviceServer), section: 6,
      summary: ["sessionId"],
      fields: [
        sessionId, MessageField("candidates", FieldShapes.candidates, isRequired: true, "the agent's addresses"),
      ]
        + FieldShapes.keyed, "An agent offers its addresses and asks for the peer's.")
    let map = MessageDefinition(
      "peer-map", toConfigurator, .http(method: "POST", paths: ["/connections/{sessionId}/mapping"], at: .configurator),
      section: 6, summary: ["sessionId"],
      fields: [sessionId, MessageField("localPort", .integer, isRequired: true, "the agent's UDP port")]
        + FieldShapes.keyed, "An agent whose checks found no pair asks for a mapped port.")
    let binding = MessageDefinition(
      "stun-binding", toServer, .stun, section: 6, isDissected: false, fields: [],
      "An agent learns its address as the server sees it.")
    let check = MessageDefinition(
      "peer-check", [MessageDirection(.ce, .ce)], .stun, section: 6, isDissected: false, summary: ["username"],
      fields: [username], "An agent checks an address of its peer.")
    return [
      connect,
      connect.reply(
        summary: ["status", "sessionId"], fields: FieldShapes.sessionFields, "The agent's half of the session."),
      negotiate,
      negotiate.reply(
        summary: ["status", "state"],
        fields: [
          MessageField("state", .words(["waiting"]), "of 202: the other half has not come yet"),
          MessageField("session", FieldShapes.session, "of 200, where the server wraps it"),
        ] + FieldShapes.sessionFields, "The session, or that the other half is awaited."),
      binding, stunReply(to: binding, fields: [mappedAddress], "The address that the server saw."),
      join,
      join.reply(
        fields: [MessageField("candidates", FieldShapes.candidates, "the peer's addresses")], "The peer's addresses."),
      map,
      map.reply(
        summary: ["status", "address", "port"],
        fields: [
          MessageField("address", .address, "the mapped address"), MessageField("port", .integer, "the mapped port"),
        ], "The mapped address."),
      check, stunReply(to: check, fields: [username, mappedAddress], "The check got through."),
      MessageDefinition(
        "peer-data", [MessageDirection(.ce, .ce)], .datagram("UDP datagram: HBPD, type, sequence number, payload"),
        section: 6, isDissected: false, summary: ["type", "sequence"],
        fields: [
          MessageField(
            "type", .words(["data", "acknowledgement"]), isRequired: true, source: .packet, "the octet after HBPD"),
          MessageField("sequence", .integer, isRequired: true, source: .packet, "0 to 15"),
        ], "Data between the two agents, or its acknowledgement."),
    ]
  }()

  /// The STUN response to a binding request; it has no HTTP status.
  static func stunReply(
    to request: MessageDefinition, fields: [MessageField], _ meaning: String
  ) -> MessageDefinition {
    MessageDefinition(
      request.name + "-reply", request.directions.map(\.reversed), .reply(of: request.name), section: request.section,
      background: request.background == .never ? .never : .asRequest, isDissected: false,
      summary: fields.map(\.name), fields: fields, meaning)
  }
}
