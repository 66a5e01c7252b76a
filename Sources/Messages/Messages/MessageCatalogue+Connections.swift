extension MessageCatalogue {
  /// Profile section 5.
  static let connections: [MessageDefinition] = {
    let mobileUp = [MessageDirection(.mobile, .serviceServer)]
    let toAgent = [MessageDirection(.configurator, .ce)]
    let connectionId = MessageField("connectionId", .string, isRequired: true, "the connection")
    let pathConnectionId = MessageField("connectionId", .string, isRequired: true, source: .path, "the connection")
    let application = MessageField("application", .string, isRequired: true, "the application")
    let connectionToken = MessageField("connectionToken", .string, "the token of the connection")
    let expires = MessageField("expires", .time, "when the connection ends")

    let connect = MessageDefinition(
      "connect", mobileUp,
      .http(method: "POST", paths: ["/v1/homes/{homeId}/connections"], at: .serviceServer), section: 5,
      summary: ["agentId", "application"],
      fields: [FieldShapes.homeId, MessageField("agentId", .uuid, isRequired: true, "the CE agent"), application]
        + FieldShapes.keyed, "The mobile device asks for a connection to a CE device.")
    let control = MessageDefinition(
      "control", toAgent, .http(method: "POST", paths: ["/connections"], at: .ce), section: 5,
      summary: ["connectionId", "application"],
      fields: [connectionId, application, connectionToken, expires] + FieldShapes.keyed,
      "The configurator tells the agent to take the connection.")
    let connection = MessageDefinition(
      "connection", [MessageDirection(.mobile, .ce)],
      .http(method: "GET", paths: ["/{application}"], at: .ce), section: 5, summary: ["application"],
      fields: [MessageField("application", .string, isRequired: true, source: .path, "the application")]
        + FieldShapes.correlated, "The mobile device connects to the application, with the connection's token.")
    let disconnect = MessageDefinition(
      "disconnect", mobileUp,
      .http(method: "DELETE", paths: ["/v1/homes/{homeId}/connections/{connectionId}"], at: .serviceServer),
      section: 5, summary: ["connectionId"],
      fields: [FieldShapes.homeId, pathConnectionId] + FieldShapes.correlated,
      "The mobile device ends the connection.")
    let end = MessageDefinition(
      "connection-end", toAgent, .http(method: "DELETE", paths: ["/connections/{connectionId}"], at: .ce),
      section: 5, summary: ["connectionId"], fields: [pathConnectionId] + FieldShapes.correlated,
      "The configurator tells the agent that the connection has ended.")
    return [
      connect,
      connect.reply(
        summary: ["status", "connectionId"],
        fields: [
          MessageField("connectionId", .string, "the connection"),
          MessageField("endpoint", FieldShapes.endpoint, "where to connect to"), connectionToken, expires,
        ], "Where the mobile device finds the application, or why not."),
      control,
      control.reply(
        summary: ["status", "address", "port"],
        fields: [
          MessageField("address", .address, "the application's address"),
          MessageField("port", .integer, "the application's port"),
          MessageField("protocol", FieldShapes.transport, "tcp or udp"),
        ], "The agent takes the connection, or says why not."),
      connection, connection.reply("What the application answers."),
      disconnect, disconnect.reply("The connection ends."),
      end, end.reply("The agent has forgotten the connection."),
    ]
  }()
}
