extension MessageCatalogue {
  /// Profile section 7. Fields are the SOAP arguments.
  static let gateway: [MessageDefinition] = {
    func argument(_ name: String, _ type: FieldType, _ meaning: String) -> MessageField {
      MessageField(name, type, isRequired: true, meaning)
    }
    let map = MessageDefinition(
      "map-port",
      [MessageDirection(.configurator, .homeGateway), MessageDirection(.ce, .homeGateway)],
      .soap(actions: ["AddAnyPortMapping", "AddPortMapping"]), section: 7,
      summary: ["NewExternalPort", "NewProtocol", "NewInternalClient", "NewInternalPort"],
      fields: [
        argument("NewRemoteHost", .string, "who may come in; empty: anyone"),
        argument("NewExternalPort", .integer, "the port outside that is wished for"),
        argument("NewProtocol", .words(["TCP", "UDP"]), "the protocol"),
        argument("NewInternalPort", .integer, "the port inside"),
        argument("NewInternalClient", .address, "the address inside"),
        argument("NewEnabled", .any, "whether the mapping works"),
        argument("NewPortMappingDescription", .string, "what it is for"),
        argument("NewLeaseDuration", .integer, "seconds; 0 means 604800"),
      ], "The configurator has the gateway map a port.")
    return [
      map,
      map.reply(
        summary: ["status", "NewReservedPort", "errorCode"],
        fields: [
          MessageField("NewReservedPort", .integer, "the port outside that was given"),
          MessageField("errorCode", .integer, "of a fault: the UPnP error"),
          MessageField("errorDescription", .string, "of a fault: the error in words"),
        ], "The port is mapped, or the gateway refused."),
    ]
  }()
}
