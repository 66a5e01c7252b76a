extension GatewayService {
  /// Seconds that a mapping may last: a week.
  public static let longestLease: UInt32 = 604_800

  /// What WANIPConnection:2 requires (UPnP Forum, 2010).
  static let wanIPConnectionDescription = ServiceDescription(
    actions: connectionActions + mappingActions, variables: connectionVariables + mappingVariables)

  private static func input(_ name: String, _ variable: String) -> ServiceAction.Argument { .init(name, .in, variable) }

  private static func output(_ name: String, _ variable: String) -> ServiceAction.Argument {
    .init(name, .out, variable)
  }

  private static let connectionActions: [ServiceAction] = [
    ServiceAction("SetConnectionType", [input("NewConnectionType", "ConnectionType")]),
    ServiceAction(
      "GetConnectionTypeInfo",
      [
        output("NewConnectionType", "ConnectionType"),
        output("NewPossibleConnectionTypes", "PossibleConnectionTypes"),
      ]),
    ServiceAction("RequestConnection"),
    ServiceAction("ForceTermination"),
    ServiceAction(
      "GetStatusInfo",
      [
        output("NewConnectionStatus", "ConnectionStatus"), output("NewLastConnectionError", "LastConnectionError"),
        output("NewUptime", "Uptime"),
      ]),
    ServiceAction(
      "GetNATRSIPStatus", [output("NewRSIPAvailable", "RSIPAvailable"), output("NewNATEnabled", "NATEnabled")]),
  ]

  /// What names a mapping, and what it is, in the order of the service document.
  private static func key(_ direction: ServiceAction.Direction) -> [ServiceAction.Argument] {
    [
      .init("NewRemoteHost", direction, "RemoteHost"), .init("NewExternalPort", direction, "ExternalPort"),
      .init("NewProtocol", direction, "PortMappingProtocol"),
    ]
  }

  private static func value(_ direction: ServiceAction.Direction) -> [ServiceAction.Argument] {
    [
      .init("NewInternalPort", direction, "InternalPort"), .init("NewInternalClient", direction, "InternalClient"),
      .init("NewEnabled", direction, "PortMappingEnabled"),
      .init("NewPortMappingDescription", direction, "PortMappingDescription"),
      .init("NewLeaseDuration", direction, "PortMappingLeaseDuration"),
    ]
  }

  private static let range = [
    input("NewStartPort", "ExternalPort"), input("NewEndPort", "ExternalPort"),
    input("NewProtocol", "PortMappingProtocol"), input("NewManage", "A_ARG_TYPE_Manage"),
  ]

  private static let mappingActions: [ServiceAction] = [
    ServiceAction(
      "GetGenericPortMappingEntry",
      [input("NewPortMappingIndex", "PortMappingNumberOfEntries")] + key(.out) + value(.out)),
    ServiceAction("GetSpecificPortMappingEntry", key(.in) + value(.out)),
    ServiceAction("AddPortMapping", key(.in) + value(.in)),
    ServiceAction("AddAnyPortMapping", key(.in) + value(.in) + [output("NewReservedPort", "ExternalPort")], since: 2),
    ServiceAction("DeletePortMapping", key(.in)),
    ServiceAction("DeletePortMappingRange", range, since: 2),
    ServiceAction("GetExternalIPAddress", [output("NewExternalIPAddress", "ExternalIPAddress")]),
    ServiceAction(
      "GetListOfPortMappings",
      range + [
        input("NewNumberOfPorts", "PortMappingNumberOfEntries"), output("NewPortListing", "A_ARG_TYPE_PortListing"),
      ], since: 2),
  ]

  private static let connectionVariables: [StateVariable] = [
    StateVariable("ConnectionType", .string, defaultValue: "IP_Routed"),
    StateVariable(
      "PossibleConnectionTypes", .string, isEvented: true,
      allowedValues: ["Unconfigured", "IP_Routed", "IP_Bridged"]),
    StateVariable(
      "ConnectionStatus", .string, isEvented: true,
      allowedValues: ["Unconfigured", "Connecting", "Connected", "PendingDisconnect", "Disconnecting", "Disconnected"]),
    StateVariable("Uptime", .ui4),
    StateVariable(
      "LastConnectionError", .string,
      allowedValues: [
        "ERROR_NONE", "ERROR_COMMAND_ABORTED", "ERROR_NOT_ENABLED_FOR_INTERNET", "ERROR_USER_DISCONNECT",
        "ERROR_ISP_DISCONNECT", "ERROR_IDLE_DISCONNECT", "ERROR_FORCED_DISCONNECT", "ERROR_NO_CARRIER",
        "ERROR_IP_CONFIGURATION", "ERROR_UNKNOWN",
      ]),
    StateVariable("RSIPAvailable", .boolean),
    StateVariable("NATEnabled", .boolean),
  ]

  private static let mappingVariables: [StateVariable] = [
    StateVariable("ExternalIPAddress", .string, isEvented: true),
    StateVariable("PortMappingNumberOfEntries", .ui2, isEvented: true),
    StateVariable("PortMappingEnabled", .boolean),
    StateVariable("PortMappingLeaseDuration", .ui4, range: 0...longestLease, defaultValue: "3600"),
    StateVariable("RemoteHost", .string),
    StateVariable("ExternalPort", .ui2),
    StateVariable("InternalPort", .ui2, range: 1...65_535),
    StateVariable("PortMappingProtocol", .string, allowedValues: ["TCP", "UDP"]),
    StateVariable("InternalClient", .string),
    StateVariable("PortMappingDescription", .string, defaultValue: ""),
    StateVariable("SystemUpdateID", .ui4, isEvented: true),
    StateVariable("A_ARG_TYPE_Manage", .boolean),
    StateVariable("A_ARG_TYPE_PortListing", .string),
  ]
}
