/// Fields and shapes that several messages share.
enum FieldShapes {
  static let status = MessageField(
    "status", .integer, isRequired: true, source: .status, "the HTTP status")
  static let agentId = MessageField("agentId", .uuid, isRequired: true, source: .path, "the CE agent")
  static let homeId = MessageField("homeId", .string, isRequired: true, source: .path, "the home")
  static let token = MessageField("token", .string, source: .header, "the bearer token of Authorization")
  static let correlation = MessageField(
    "correlation", .uuid, source: .header, "Homebed-Correlation, which ties messages of one cause together")
  static let idempotencyKey = MessageField("idempotencyKey", .uuid, source: .header, "Idempotency-Key")
  static let revision = MessageField(
    "revision", .integer, "the server's revision of the agent's configuration, from 1; null where there is none")
  static let contentType = MessageField("contentType", .string, source: .header, "the media type of the body")
  static let text = MessageField(
    "body", .string, "the body as text, where it is no JSON object; its first 1024 characters")
  static let correlated = [token, correlation]
  static let keyed = [token, correlation, idempotencyKey, contentType, text]

  /// The members of a problem document (RFC 9457), which any response may be.
  static func problem(apartFrom fields: [MessageField]) -> [MessageField] {
    let taken = Set(fields.map(\.name))
    return [
      MessageField("type", .string, "of a problem: urn:homebed:problem:NAME, or about:blank"),
      MessageField("title", .string, "of a problem: its name in words"),
      MessageField("detail", .string, "of a problem: what was wrong this time"),
      MessageField("pointer", .string, "of a problem with a field: where it stands (RFC 6901)"),
      contentType, text, correlation,
    ].filter { !taken.contains($0.name) }
  }

  static let transport = FieldType.words(["tcp", "udp"])
  static let outcome = FieldType.words(["ok", "degraded", "failed"])

  static let device = FieldType.object([
    MessageField("deviceCategory", .array(.string), "categories of HTIP, such as AV_TV"),
    MessageField("manufacturerOUI", .string, isRequired: true, "six hexadecimal digits"),
    MessageField("modelName", .string, isRequired: true, "the model"),
    MessageField("modelNumber", .string, "the model's number"),
    MessageField("serialNumber", .string, isRequired: true, "the serial number"),
    MessageField("friendlyName", .string, "what its owner calls it"),
  ])

  static let interfaces = FieldType.array(
    .object([
      MessageField("name", .string, "such as eth0"),
      MessageField("ifType", .integer, "IANAifType: 6 Ethernet, 71 IEEE 802.11"),
      MessageField("macAddress", .mac, "the link-layer address"),
      MessageField("ipAddresses", .array(.cidr), "the IP addresses"),
      MessageField("defaultGateway", .address, "null where there is none"),
      MessageField("dnsServers", .array(.address), "the DNS servers"),
    ]))

  static let applications = FieldType.array(
    .object([
      MessageField("name", .string, "the application"), MessageField("protocol", transport, "tcp or udp"),
      MessageField("port", .integer, "where it listens"),
      MessageField("remoteAccess", .boolean, "whether it may be reached from outside"),
    ]))

  static let peer = FieldType.object([
    MessageField("homeId", .string, "the peer's home"), MessageField("agentId", .uuid, "the peer"),
  ])

  static let endpoint = FieldType.object([
    MessageField("address", .address, "the IP address"), MessageField("port", .integer, "the port"),
    MessageField("protocol", transport, "tcp or udp"),
  ])

  /// The configuration document (profile section 3); every member may be missing.
  static let document: [MessageField] = [
    MessageField("hostName", .string, "the device's name"),
    MessageField("ntpServer", .string, "where it gets the time"),
    MessageField("dnsServers", .array(.address), "the DNS servers"),
    MessageField("defaultGateway", .address, "the default gateway"),
    MessageField("ipAddress", .cidr, "the address"),
    MessageField("dhcp", .boolean, "whether DHCP gives the address"),
    MessageField("qosClass", .integer, "the DSCP, 0 to 63"),
    MessageField(
      "applications",
      .map(
        .object([
          MessageField("port", .integer, "where it listens"), MessageField("enabled", .boolean, "whether it runs"),
          MessageField("allowedPeers", .array(peer), "who may connect; absent: anyone, []: nobody"),
        ])), "settings of applications, by name"),
    MessageField(
      "connections",
      .map(
        .object([
          MessageField("address", .address, "the mapped address"), MessageField("port", .integer, "the mapped port"),
        ])), "mappings of sessions, by sessionId"),
    MessageField("vendor", .any, "whatever the vendor likes"),
  ]

  /// The body of `register`, which `server-register` has too.
  static let registration: [MessageField] = [
    MessageField("agentId", .uuid, isRequired: true, "the CE agent; also in the path"),
    MessageField(
      "reason", .words(["new-device", "connection-change", "refresh"]), isRequired: true, "why it registers now"),
    MessageField("device", device, isRequired: true, "what the device is"),
    MessageField("interfaces", interfaces, isRequired: true, "its interfaces"),
    MessageField("applications", applications, isRequired: true, "what it offers"),
    MessageField("configurationURL", .url, isRequired: true, "where its configuration document is"),
    MessageField("lifetime", .integer, isRequired: true, "seconds, 60 to 86400"),
  ]

  static let checks = FieldType.array(
    .object([
      MessageField(
        "name",
        .words([
          "collector", "server-check", "gateway-check", "agent-server-check", "application-local", "application-lan",
          "application-probe",
        ]), "the check"),
      MessageField("result", .words(["ok", "degraded", "failed", "skipped"]), "how it went"),
      MessageField("element", .string, "the node, port or link concerned"),
      MessageField("detail", .string, "what was seen"), MessageField("sent", .integer, "packets sent"),
      MessageField("received", .integer, "packets received"), MessageField("rttMs", .number, "the round trip, in ms"),
    ]))

  static let findings = FieldType.array(
    .object([
      MessageField("layer", .words(["link", "network", "application"]), "where the trouble lies"),
      MessageField(
        "fault",
        .words([
          "cable-unplugged", "link-degraded", "device-off", "wrong-port", "no-address", "duplicate-address",
          "wrong-subnet", "wrong-gateway", "dns-failure", "gateway-down", "wan-down", "server-unreachable",
          "port-not-mapped", "port-blocked", "application-down", "application-refuses", "none",
        ]), "what it is"),
      MessageField("element", .string, "the node, port or link concerned"),
      MessageField("evidence", .string, "what shows it"), MessageField("advice", .string, "what to do"),
    ]))

  static let counts = FieldType.object([
    MessageField("configurator", .integer, "STUN Bindings that came from the configurator"),
    MessageField("agent", .integer, "STUN Bindings that came from the agent"),
  ])
}
