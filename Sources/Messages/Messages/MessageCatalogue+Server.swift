extension MessageCatalogue {
  /// Profile section 4.
  static let server: [MessageDefinition] = {
    let up = [MessageDirection(.configurator, .serviceServer)]
    let operatorUp = [MessageDirection(.operator, .serviceServer)]
    let agent: PathTemplate = "/v1/homes/{homeId}/agents/{agentId}"
    let configuration: PathTemplate = "/v1/homes/{homeId}/agents/{agentId}/configuration"
    func http(_ method: String, _ path: PathTemplate) -> MessageBinding {
      .http(method: method, paths: [path], at: .serviceServer)
    }

    let provision = MessageDefinition(
      "provision-home", operatorUp, http("PUT", "/v1/homes/{homeId}"), section: 4, summary: ["homeId"],
      fields: [
        FieldShapes.homeId, MessageField("homeToken", .string, isRequired: true, "the configurator's token"),
        MessageField("userToken", .string, isRequired: true, "the mobile device's token"),
      ] + FieldShapes.keyed, "The operator makes a home known, with its tokens.")
    let register = MessageDefinition(
      "server-register", up, http("PUT", agent), section: 4,
      background: .when(field: "reason", values: ["refresh"]), summary: ["agentId", "reason", "revision"],
      fields: [FieldShapes.homeId] + FieldShapes.registration + [
        MessageField("configuratorId", .uuid, isRequired: true, "the configurator"),
        MessageField("revision", .integer, "the revision last applied to the agent; null where there is none"),
      ] + FieldShapes.keyed, "The configurator registers an agent with the service server.")
    let deregister = MessageDefinition(
      "server-deregister", up, http("DELETE", agent), section: 4, summary: ["agentId"],
      fields: [FieldShapes.homeId, FieldShapes.agentId] + FieldShapes.correlated,
      "The configurator passes a deregistration on.")
    let list = MessageDefinition(
      "agents-list",
      [MessageDirection(.mobile, .serviceServer), MessageDirection(.operator, .serviceServer)],
      http("GET", "/v1/homes/{homeId}/agents"), section: 4, summary: ["homeId"],
      fields: [FieldShapes.homeId] + FieldShapes.correlated, "Somebody asks for a home's agents.")
    let request = MessageDefinition(
      "configuration-request", up, http("GET", configuration), section: 4, summary: ["agentId"],
      fields: [
        FieldShapes.homeId, FieldShapes.agentId,
        MessageField("ifNoneMatch", .integer, source: .header, "If-None-Match: the revision last applied"),
      ] + FieldShapes.correlated, "The configurator asks for an agent's configuration.")
    let update = MessageDefinition(
      "configuration-update", operatorUp, http("PUT", configuration), section: 4, summary: ["agentId"],
      fields: [FieldShapes.homeId, FieldShapes.agentId] + FieldShapes.document + FieldShapes.keyed,
      "The operator stores an agent's configuration.")
    let stream = MessageDefinition(
      "request-stream", up, http("GET", "/v1/homes/{homeId}/requests"), section: 4, background: .always,
      summary: ["homeId"],
      fields: [
        FieldShapes.homeId, MessageField("lastEventId", .string, source: .header, "Last-Event-ID"),
      ] + FieldShapes.correlated, "The configurator opens the stream on which the server's requests come.")
    let result = MessageDefinition(
      "request-result", up, http("POST", "/v1/homes/{homeId}/requests/{requestId}/result"), section: 4,
      summary: ["requestId", "result", "problem"],
      fields: [
        FieldShapes.homeId, MessageField("requestId", .string, isRequired: true, source: .path, "the request"),
        MessageField("result", FieldShapes.outcome, isRequired: true, "how it went"),
        MessageField("problem", .string, "why it failed: a problem's name"),
        MessageField("endpoint", FieldShapes.endpoint, "of control: where the mobile device connects to"),
        MessageField("lifetime", .integer, "of control: seconds for which the endpoint holds"),
        MessageField("findings", FieldShapes.findings, "of checks: what is wrong"),
        MessageField("checks", FieldShapes.checks, "of checks: what was done"),
      ] + FieldShapes.keyed, "The configurator answers a request of the server.")
    return [
      provision, provision.reply("The home is known."),
      register, register.reply(summary: ["status", "revision"], fields: [FieldShapes.revision], "The server has it."),
      deregister, deregister.reply("The server has forgotten the agent; its configuration stays."),
      list,
      list.reply(
        fields: [
          MessageField(
            "agents",
            .array(
              .object([
                MessageField("agentId", .uuid, "the CE agent"),
                MessageField("device", FieldShapes.device, "what the device is"),
                MessageField("applications", FieldShapes.applications, "what it offers"),
                MessageField("state", .words(["live", "expired"]), "whether its registration holds"),
              ])), "the home's agents")
        ], "The home's agents."),
      request,
      request.reply(
        named: "configuration-reply", summary: ["status", "revision"],
        fields: [
          MessageField("revision", .integer, source: .header, "the revision in the ETag; absent where there is none")
        ] + FieldShapes.document, "The agent's configuration: 200, 304 where it is the revision asked with, 404."),
      update,
      update.reply(summary: ["status", "revision"], fields: [FieldShapes.revision], "The configuration is stored."),
      stream, stream.reply("The stream is open; its events are `request`."),
      MessageDefinition(
        "request", [MessageDirection(.serviceServer, .configurator)], .streamEvent(of: "request-stream"), section: 4,
        summary: ["kind", "requestId", "agentId"], fields: requestFields,
        "The server asks something of the configurator."),
      result, result.reply("The server has the result."),
    ]
  }()

  private static let requestFields: [MessageField] = [
    MessageField("requestId", .string, isRequired: true, "the request"),
    MessageField(
      "kind",
      .words([
        "control", "peer-connection", "reachability-check", "application-check", "disconnect", "configuration-changed",
      ]), isRequired: true, "what is asked"),
    MessageField("deadline", .time, isRequired: true, "until when an answer counts"),
    MessageField("agentId", .uuid, "the CE agent"), MessageField("application", .string, "the application"),
    MessageField("connectionId", .string, "of control and disconnect: the connection"),
    MessageField("connectionToken", .string, "of control: the token of the connection"),
    MessageField("expires", .time, "of control: when the connection ends"),
    MessageField("revision", .integer, "of configuration-changed: the new revision"),
    MessageField("peer", FieldShapes.peer, "of peer-connection: the other end"),
    MessageField("session", FieldShapes.session, "of peer-connection: the session"),
    MessageField("stun", .string, "of checks: the server's STUN address, host:port"),
    MessageField("homeId", .string, source: .path, "the home, from the stream's path"),
    MessageField("eventId", .string, "the id of the server-sent event"),
    MessageField("correlation", .uuid, "ties messages of one cause together"),
    MessageField("body", .string, "the data as text, where it is no JSON object; its first 1024 characters"),
  ]
}
