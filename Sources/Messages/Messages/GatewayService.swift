/// The services of a home gateway (profile section 7): types, paths of ours, and what each can do.
///
/// The gateway serves them, its control points call them, and captures are read by them.
public enum GatewayService: String, Sendable, Hashable, CaseIterable {
  case wanIPConnection = "WANIPConnection"
  case wanCommonInterfaceConfig = "WANCommonInterfaceConfig"

  public static let typePrefix = "urn:schemas-upnp-org:service:"

  /// The newest version that is served; requests under an earlier one are answered too.
  public var version: Int {
    switch self {
    case .wanIPConnection: 2
    case .wanCommonInterfaceConfig: 1
    }
  }

  /// Such as `urn:schemas-upnp-org:service:WANIPConnection:2`.
  public func type(_ version: Int) -> String { "\(Self.typePrefix)\(rawValue):\(version)" }

  public var type: String { type(version) }

  /// The ID that the device documents fix.
  public var serviceID: String {
    switch self {
    case .wanIPConnection: "urn:upnp-org:serviceId:WANIPConn1"
    case .wanCommonInterfaceConfig: "urn:upnp-org:serviceId:WANCommonIFC1"
    }
  }

  public var description: ServiceDescription {
    switch self {
    case .wanIPConnection: Self.wanIPConnectionDescription
    case .wanCommonInterfaceConfig: Self.wanCommonInterfaceConfigDescription
    }
  }

  /// The service and version that a type names; `nil` for types of other services.
  public static func named(_ type: String) -> (service: GatewayService, version: Int)? {
    guard type.hasPrefix(typePrefix), let colon = type.lastIndex(of: ":"),
      let service = GatewayService(rawValue: String(type[..<colon].dropFirst(typePrefix.count))),
      let version = Int(type[type.index(after: colon)...]), version >= 1
    else { return nil }
    return (service, version)
  }
}

/// Errors of UPnP that a gateway answers with (UDA 2.0, table 3-3; WANIPConnection:2).
public enum GatewayError: Int, Sendable, Hashable, CaseIterable {
  case invalidAction = 401
  case invalidArguments = 402
  case actionFailed = 501
  case argumentValueInvalid = 600
  case argumentValueOutOfRange = 601
  case stringArgumentTooLong = 605
  case notAuthorized = 606
  case connectionSetupFailed = 704
  case connectionAlreadyTerminated = 711
  case arrayIndexInvalid = 713
  case noSuchEntry = 714
  case wildCardInSourceAddress = 715
  case wildCardInExternalPort = 716
  case conflictInMapping = 718
  case noPortMapsAvailable = 728
  case conflictWithOtherMechanisms = 729
  case portMappingNotFound = 730
  case readOnly = 731
  case wildCardInInternalPort = 732
  case inconsistentParameters = 733

  /// The text that goes with the number.
  public var text: String {
    switch self {
    case .invalidAction: "Invalid Action"
    case .invalidArguments: "Invalid Args"
    case .actionFailed: "Action Failed"
    case .argumentValueInvalid: "Argument Value Invalid"
    case .argumentValueOutOfRange: "Argument Value Out of Range"
    case .stringArgumentTooLong: "String Argument Too Long"
    case .notAuthorized: "Action not authorized"
    case .connectionSetupFailed: "ConnectionSetupFailed"
    case .connectionAlreadyTerminated: "ConnectionAlreadyTerminated"
    case .arrayIndexInvalid: "SpecifiedArrayIndexInvalid"
    case .noSuchEntry: "NoSuchEntryInArray"
    case .wildCardInSourceAddress: "WildCardNotPermittedInSrcIP"
    case .wildCardInExternalPort: "WildCardNotPermittedInExtPort"
    case .conflictInMapping: "ConflictInMappingEntry"
    case .noPortMapsAvailable: "NoPortMapsAvailable"
    case .conflictWithOtherMechanisms: "ConflictWithOtherMechanisms"
    case .portMappingNotFound: "PortMappingNotFound"
    case .readOnly: "ReadOnly"
    case .wildCardInInternalPort: "WildCardNotPermittedInIntPort"
    case .inconsistentParameters: "InconsistentParameters"
    }
  }
}
