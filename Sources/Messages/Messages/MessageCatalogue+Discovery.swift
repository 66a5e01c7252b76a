extension MessageCatalogue {
  /// Profile section 2.
  static let discovery: [MessageDefinition] = {
    let announcement: [MessageField] = [
      MessageField("nt", .string, isRequired: true, source: .packet, "what is announced (NT)"),
      MessageField("usn", .string, isRequired: true, source: .packet, "the unique service name"),
      MessageField("uuid", .string, source: .packet, "the UUID in the USN"),
    ]
    let devices: [MessageDirection] = [
      MessageDirection(.configurator, .network), MessageDirection(.ce, .network),
      MessageDirection(.homeGateway, .network),
    ]
    let description = MessageDefinition(
      "description-read",
      [
        MessageDirection(.any, .configurator), MessageDirection(.any, .ce), MessageDirection(.any, .homeGateway),
      ],
      .url(method: "GET", from: "LOCATION", at: .any), section: 2, background: .always, summary: ["path"],
      fields: [MessageField("path", .string, isRequired: true, source: .path, "the path that LOCATION gave")],
      "Somebody reads a device's or a service's UPnP description.")
    return [
      MessageDefinition(
        "discover",
        [
          MessageDirection(.ce, .network), MessageDirection(.configurator, .network),
          MessageDirection(.mobile, .network),
        ],
        .ssdp(.search), section: 2,
        background: .unless(
          field: "st", prefixes: [ProfileNames.configuratorType, "ssdp:all", "upnp:rootdevice", "uuid:"]),
        summary: ["st"],
        fields: [
          MessageField("st", .string, isRequired: true, source: .packet, "what is searched for (ST)"),
          MessageField("mx", .integer, source: .packet, "seconds within which replies shall come (MX)"),
          MessageField("controlPointName", .string, source: .packet, "the searcher's name (CPFN.UPNP.ORG)"),
        ],
        "A multicast search; for the configurator type it is an agent's search for its configurator."),
      MessageDefinition(
        "discover-reply",
        [
          MessageDirection(.configurator, .any), MessageDirection(.ce, .any), MessageDirection(.homeGateway, .any),
        ],
        .ssdp(.reply), section: 2,
        background: .unless(
          field: "st", prefixes: [ProfileNames.configuratorType, "ssdp:all", "upnp:rootdevice", "uuid:"]),
        summary: ["configuratorId", "location"],
        fields: [
          MessageField(
            "configuratorId", .uuid, source: .packet, "the UUID in the USN, unless the USN names another device type"),
          MessageField("location", .url, isRequired: true, source: .packet, "the description's URL (LOCATION)"),
          MessageField("st", .string, isRequired: true, source: .packet, "what was searched for (ST)"),
          MessageField("usn", .string, isRequired: true, source: .packet, "the unique service name"),
          MessageField("uuid", .string, source: .packet, "the UUID in the USN"),
          MessageField("maxAge", .integer, source: .packet, "seconds for which the reply holds"),
        ],
        "The configurator replies its ID."),
      MessageDefinition(
        "ssdp-alive", devices, .ssdp(.alive), section: 2, background: .always, summary: ["nt", "uuid"],
        fields: announcement + [
          MessageField("location", .url, isRequired: true, source: .packet, "the description's URL (LOCATION)"),
          MessageField("maxAge", .integer, source: .packet, "seconds for which the announcement holds"),
        ],
        "A device says that it is there."),
      MessageDefinition(
        "ssdp-byebye", devices, .ssdp(.byebye), section: 2, background: .always, summary: ["nt", "uuid"],
        fields: announcement, "A device says that it goes."),
      description,
      description.reply(summary: ["status"], "The description, an XML document."),
    ]
  }()
}
