extension GatewayService {
  /// What WANCommonInterfaceConfig:1 requires, and the counters (UPnP Forum, 2001).
  static let wanCommonInterfaceConfigDescription = ServiceDescription(
    actions: [
      ServiceAction(
        "GetCommonLinkProperties",
        [
          .init("NewWANAccessType", .out, "WANAccessType"),
          .init("NewLayer1UpstreamMaxBitRate", .out, "Layer1UpstreamMaxBitRate"),
          .init("NewLayer1DownstreamMaxBitRate", .out, "Layer1DownstreamMaxBitRate"),
          .init("NewPhysicalLinkStatus", .out, "PhysicalLinkStatus"),
        ]),
      ServiceAction("GetTotalBytesSent", [.init("NewTotalBytesSent", .out, "TotalBytesSent")]),
      ServiceAction("GetTotalBytesReceived", [.init("NewTotalBytesReceived", .out, "TotalBytesReceived")]),
      ServiceAction("GetTotalPacketsSent", [.init("NewTotalPacketsSent", .out, "TotalPacketsSent")]),
      ServiceAction("GetTotalPacketsReceived", [.init("NewTotalPacketsReceived", .out, "TotalPacketsReceived")]),
    ],
    variables: [
      StateVariable("WANAccessType", .string, allowedValues: ["DSL", "POTS", "Cable", "Ethernet", "Other"]),
      StateVariable("Layer1UpstreamMaxBitRate", .ui4),
      StateVariable("Layer1DownstreamMaxBitRate", .ui4),
      StateVariable(
        "PhysicalLinkStatus", .string, isEvented: true, allowedValues: ["Up", "Down", "Initializing", "Unavailable"]),
      StateVariable("TotalBytesSent", .ui4),
      StateVariable("TotalBytesReceived", .ui4),
      StateVariable("TotalPacketsSent", .ui4),
      StateVariable("TotalPacketsReceived", .ui4),
    ])
}
