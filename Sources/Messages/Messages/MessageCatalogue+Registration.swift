extension MessageCatalogue {
  /// Profile section 3.
  static let registration: [MessageDefinition] = {
    let toConfigurator = [MessageDirection(.ce, .configurator)]
    let toAgent = [MessageDirection(.configurator, .ce)]
    let etag = MessageField("etag", .string, source: .header, "the document's ETag, without its quotation marks")
    let path = MessageField("path", .string, isRequired: true, source: .path, "the path of configurationURL")

    let register = MessageDefinition(
      "register", toConfigurator, .http(method: "PUT", paths: ["/agents/{agentId}"], at: .configurator), section: 3,
      background: .when(field: "reason", values: ["refresh"]), summary: ["agentId", "reason"],
      fields: FieldShapes.registration + FieldShapes.keyed, "An agent registers its information.")
    let deregister = MessageDefinition(
      "deregister", toConfigurator, .http(method: "DELETE", paths: ["/agents/{agentId}"], at: .configurator),
      section: 3, summary: ["agentId"], fields: [FieldShapes.agentId] + FieldShapes.correlated,
      "An agent that stops for good takes its registration back.")
    let remove = MessageDefinition(
      "agent-remove", [MessageDirection(.operator, .configurator)],
      .http(method: "DELETE", paths: ["/agents/{agentId}"], at: .configurator), section: 3, summary: ["agentId"],
      fields: [FieldShapes.agentId] + FieldShapes.correlated, "The operator removes an agent's record.")
    let read = MessageDefinition(
      "agent-read", [MessageDirection(.operator, .configurator)],
      .http(method: "GET", paths: ["/agents/{agentId}", "/agents"], at: .configurator), section: 3,
      summary: ["agentId"],
      fields: [
        MessageField("agentId", .uuid, source: .path, "the CE agent; absent where all are listed")
      ] + FieldShapes.correlated, "The operator reads an agent's record, or all of them.")
    let record: [MessageField] = [
      MessageField("agentId", .uuid, "the CE agent"),
      MessageField("state", .words(["registered", "configured", "expired"]), "how far it has come"),
      FieldShapes.revision, MessageField("device", FieldShapes.device, "what the device is"),
      MessageField("applications", FieldShapes.applications, "what it offers"),
    ]
    let configure = MessageDefinition(
      "configure", toAgent, .url(method: "PATCH", from: "configurationURL", at: .ce), section: 3,
      fields: FieldShapes.document
        + [path, MessageField("ifMatch", .string, source: .header, "If-Match, without its quotation marks")]
        + FieldShapes.correlated + [FieldShapes.contentType, FieldShapes.text],
      "The configurator patches the agent's configuration document.")
    let configurationRead = MessageDefinition(
      "configuration-read", toAgent, .url(method: "GET", from: "configurationURL", at: .ce), section: 3,
      background: .always, fields: [path] + FieldShapes.correlated, "The configurator reads the agent's document.")
    return [
      register,
      register.reply(
        summary: ["status", "lifetime", "revision"],
        fields: [
          MessageField("configuratorId", .uuid, "the configurator"), MessageField("agentId", .uuid, "the CE agent"),
          MessageField("lifetime", .integer, "seconds until the registration expires"), FieldShapes.revision,
          MessageField("controlToken", .string, "the token that the two use between them"),
        ], "The configurator took the registration, or says why not."),
      deregister, deregister.reply("The registration is gone."),
      remove, remove.reply("The record is gone."),
      read,
      read.reply(
        summary: ["status", "state"],
        fields: record + [MessageField("agents", .array(.object(record)), "the records, where all are listed")],
        "The record."),
      configure,
      configure.reply(
        summary: ["status", "etag"], fields: FieldShapes.document + [etag],
        "The whole document, or why the patch was not applied."),
      configurationRead,
      configurationRead.reply(
        summary: ["status", "etag"], fields: FieldShapes.document + [etag], "The whole document."),
    ]
  }()
}
