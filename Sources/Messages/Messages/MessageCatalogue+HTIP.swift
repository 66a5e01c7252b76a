extension MessageCatalogue {
  /// What an HTIP frame tells (ITU-T G.9973): the mandatory TLVs, the items of device information, and tables.
  static let htipFields: [MessageField] = {
    func field(_ name: String, _ type: FieldType, _ meaning: String) -> MessageField {
      MessageField(name, type, source: .packet, meaning)
    }
    let percentages = [
      ("channelUsage", "use of the channel"), ("signalStrength", "strength of the radio signal"),
      ("errorRate", "rate of errors"), ("processorUsage", "use of the processor"),
      ("memoryUsage", "use of the memory"), ("diskUsage", "use of the disk"), ("battery", "what the battery holds"),
    ].map { field($0, .integer, "\($1), in percent") }
    let numbers = [
      ("responseTime", "how long an answer takes"), ("associatedDevices", "how many devices are associated"),
      ("activeNodes", "how many nodes are active"), ("linkQuality", "quality of the link"),
      ("retransmissions", "how often was sent again"), ("interval", "seconds between frames"),
    ].map { field($0, .integer, $1) }
    let link = FieldType.object([
      field("port", .integer, "the port, from 1"), field("addresses", .array(.mac), "what was learnt there"),
    ])
    return [
      field("chassisId", .string, "whose frame it is: a MAC address as a rule"),
      field("portId", .string, "which port of the sender"),
      field("ttl", .integer, "seconds for which it holds; 0 withdraws it"),
      field("portDescription", .string, "the interface, such as IEEE802.3"),
      field("category", .string, "the device category, several with commas"),
      field("manufacturerCode", .string, "the manufacturer's OUI"), field("modelName", .string, "the model"),
      field("modelNumber", .string, "the model's number"), field("status", .string, "the status, such as OK"),
    ] + percentages + numbers + [
      field("vendor", .string, "organisation, type and octets of a vendor specific item"),
      field("links", .array(link), "a switch's forwarding table by port"),
      field("addresses", .array(.mac), "the sender's own addresses"),
      field("departures", .array(.string), "where the frame departs from the format, and how"),
    ]
  }()
}
