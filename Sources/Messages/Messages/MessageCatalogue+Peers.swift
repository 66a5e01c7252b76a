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
      "stun-binding", toServer + [MessageDirection(.configurator, .serviceServer)], .stun, section: 6,
      fields: FieldShapes.stunRequest(), "An agent or a configurator learns its address as the server sees it.")
    let check = MessageDefinition(
      "peer-check", [MessageDirection(.ce, .ce)], .stun, section: 6, summary: ["username"],
      fields: FieldShapes.stunRequest(username), "An agent checks an address of its peer.")
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
      binding, stunReply(to: binding, fields: FieldShapes.stunReply, "The address that the server saw."),
      join,
      join.reply(
        fields: [MessageField("candidates", FieldShapes.candidates, "the peer's addresses")], "The peer's addresses."),
      map,
      map.reply(
        summary: ["status", "address", "port"],
        fields: [
          MessageField("address", .address, "the mapped address"), MessageField("port", .integer, "the mapped port"),
        ], "The mapped address."),
      check, stunReply(to: check, fields: FieldShapes.stunReply, "The check got through."),
      MessageDefinition(
        "peer-data", [MessageDirection(.ce, .ce)], .datagram("UDP datagram: HBPD, type, sequence number, payload"),
        section: 6, summary: ["type", "sequence"],
        fields: [
          MessageField(
            "type", .words(["data", "acknowledgement"]), isRequired: true, source: .packet, "the octet after HBPD"),
          MessageField("sequence", .integer, isRequired: true, source: .packet, "0 to 15"),
          MessageField("size", .integer, isRequired: true, source: .packet, "octets of payload, 0 to 1200"),
        ], "Data between the two agents, or its acknowledgement."),
    ]
  }()

  /// The response to a request that has no HTTP status; of STUN the address that the server saw is shown.
  static func stunReply(
    to request: MessageDefinition, fields: [MessageField], _ meaning: String
  ) -> MessageDefinition {
    MessageDefinition(
      request.name + "-reply", request.directions.map(\.reversed), .reply(of: request.name), section: request.section,
      background: request.background == .never ? .never : .asRequest, isDissected: request.isDissected,
      summary: fields.map(\.name).filter { $0 == "xorMappedAddress" }, fields: fields, meaning)
  }
}

extension FieldShapes {
  private static func attribute(_ name: String, _ type: FieldType, _ meaning: String) -> MessageField {
    MessageField(name, type, source: .packet, meaning)
  }

  /// Attributes that any STUN message may have (RFC 8489).
  private static let stunCommon: [MessageField] = [
    attribute("software", .string, "who wrote the sender"), attribute("realm", .string, "the realm"),
    attribute("nonce", .string, "the nonce"),
    attribute("messageIntegrity", .boolean, "true where the message has MESSAGE-INTEGRITY, right or wrong"),
    attribute("fingerprint", .boolean, "true where the message has FINGERPRINT"),
  ]

  /// The attributes of a binding request.
  static func stunRequest(
    _ username: MessageField = attribute("username", .string, "who asks, where it tells")
  ) -> [MessageField] {
    [
      username,
      attribute(
        "changeRequest", .array(.words(["address", "port"])), "what the response is to come from another of (RFC 5780)"),
      attribute("responsePort", .integer, "to which port the response is wanted (RFC 5780)"),
      attribute("padding", .integer, "octets of padding (RFC 5780)"),
    ] + stunCommon
  }

  /// The attributes of its response; a refusal has `errorCode`.
  static let stunReply: [MessageField] =
    [
      attribute("xorMappedAddress", .string, "the address and port that the request came from"),
      attribute("mappedAddress", .string, "the same, as RFC 3489 has it"),
      attribute("errorCode", .integer, "300 to 699; absent where the response is a success"),
      attribute("unknownAttributes", .array(.integer), "of 420: the types that were not understood"),
      attribute("responseOrigin", .string, "where the response was sent from (RFC 5780)"),
      attribute("otherAddress", .string, "the server's other address and port (RFC 5780)"),
      attribute("username", .string, "as in the request, where the response repeats it"),
    ] + stunCommon
}
