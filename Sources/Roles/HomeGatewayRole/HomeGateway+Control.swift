import Messages
import RoleKit

/// The arguments of an action, checked against its service description.
struct ActionArguments: Sendable {
  private var values: [String: String] = [:]

  /// Values are at most this many octets of UTF-8; longer ones are refused with 605.
  private static let lengthLimit = 256

  /// Checks that every argument is there and has a value that its state variable may have; others are passed over
  /// (UDA 2.0, 2.8), and so is their order.
  ///
  /// - Parameter version: of the service type that the request named; under 1 a lease may be of any length.
  init(
    _ call: SOAPCall, of action: ServiceAction, _ description: ServiceDescription, version: Int
  ) throws(SOAPFault) {
    for argument in action.inputs {
      guard let text = call[argument.name] else { throw SOAPFault(.invalidArguments) }
      guard text.utf8.count <= Self.lengthLimit else { throw SOAPFault(.stringArgumentTooLong) }
      do throws(ArgumentFault) {
        try description.variable(argument.variable)?.check(text)
      } catch {
        switch error {
        case .type: throw SOAPFault(.invalidArguments)
        case .notAllowed: throw SOAPFault(.argumentValueInvalid)
        case .range where argument.variable == "InternalPort": throw SOAPFault(.wildCardInInternalPort)
        case .range where argument.variable == "PortMappingLeaseDuration" && version == 1: break
        case .range: throw SOAPFault(.argumentValueOutOfRange)
        }
      }
      values[argument.name] = text
    }
  }

  func text(_ name: String) -> String { values[name] ?? "" }
  func number(_ name: String) -> UInt64 { (try? StateVariable.number(text(name))) ?? 0 }
  func port(_ name: String) -> UInt16 { UInt16(truncatingIfNeeded: number(name)) }
  func truth(_ name: String) -> Bool { (try? StateVariable.truth(text(name))) ?? false }

  /// Without the blanks that some control points send.
  func trimmed(_ name: String) -> String {
    String(text(name).drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  var transport: PortMapping.Transport { text("NewProtocol") == "UDP" ? .udp : .tcp }
}

/// Actions: SOAP 1.1 as UDA 2.0 clause 3 binds it.
extension HomeGateway {
  /// An action that is to be performed for somebody in the home.
  struct Action: Sendable {
    var asked: Asked
    var call: SOAPCall
    var service: GatewayService
    /// Of the service type that the request named.
    var version: Int
    var arguments: ActionArguments
  }

  mutating func control(
    _ service: GatewayService, _ asked: Asked, bits: inout RandomBits
  ) throws(Refusal) -> [Effect] {
    let type = asked.request.fields["Content-Type"]?.prefix { $0 != ";" }.lowercased()
    guard type == nil || type?.drop(while: { $0 == " " }).hasPrefix("text/xml") == true else {
      throw Refusal(
        Problem(status: 415, title: "Unsupported Media Type", "expected Content-Type text/xml, found \(type ?? "")"))
    }
    do throws(SOAPFault) {
      // The WAN side is closed: nothing is told there, not even what would be wrong (profile section 7).
      guard isFromHome(asked.from, to: asked.to) else { throw SOAPFault(.notAuthorized) }
      return try perform(try action(service, asked), bits: &bits)
    } catch {
      return refused(asked, error)
    }
  }

  func refused(_ asked: Asked, _ fault: SOAPFault) -> [Effect] {
    let name = asked.request.fields["SOAPACTION"].flatMap(SOAPCall.actionField)?.action ?? "an action"
    return [.reply(asked.exchange, .soap(fault)), refusal(asked, "\(name.prefix(80)): \(fault)")]
  }

  func done(_ action: Action, _ outputs: [String] = []) -> Effect {
    let names = action.service.description.action(action.call.action)?.outputs.map(\.name) ?? []
    let reply = SOAPReply(
      serviceType: action.call.serviceType, action: action.call.action,
      arguments: zip(names, outputs).map { SOAPArgument($0, $1) })
    return .reply(action.asked.exchange, .soap(reply))
  }

  /// Reads what is to be done; SOAPACTION and the body must name the same action of a version that has it.
  private func action(_ service: GatewayService, _ asked: Asked) throws(SOAPFault) -> Action {
    let call: SOAPCall
    do {
      call = try SOAPCall(parsing: asked.request.body)
    } catch {
      let isVersion = (error as? WireError).map { $0.format == "SOAP" && $0.code == .unsupported } ?? false
      throw SOAPFault(faultCode: isVersion ? "VersionMismatch" : "Client", faultString: "\(error)")
    }
    if let header = call.requiredHeaders.first {
      throw SOAPFault(faultCode: "MustUnderstand", faultString: "the header \(header.prefix(80)) is not understood")
    }
    guard let field = asked.request.fields["SOAPACTION"].flatMap(SOAPCall.actionField), field.action == call.action,
      field.serviceType == call.serviceType, let (named, version) = GatewayService.named(call.serviceType),
      named == service, version <= service.version, let action = service.description.action(call.action),
      action.since <= version
    else { throw SOAPFault(.invalidAction) }
    return Action(
      asked: asked, call: call, service: service, version: version,
      arguments: try ActionArguments(call, of: action, service.description, version: version))
  }

  private mutating func perform(_ action: Action, bits: inout RandomBits) throws(SOAPFault) -> [Effect] {
    switch action.call.action {
    case "AddPortMapping": return try addPortMapping(action)
    case "AddAnyPortMapping": return try addAnyPortMapping(action, bits: &bits)
    case "DeletePortMapping": return try deletePortMapping(action)
    case "DeletePortMappingRange": return try deletePortMappingRange(action)
    case "GetSpecificPortMappingEntry": return try specificEntry(action)
    case "GetGenericPortMappingEntry": return try genericEntry(action)
    case "GetListOfPortMappings": return try list(action)
    case "GetExternalIPAddress", "GetConnectionTypeInfo", "GetStatusInfo", "GetNATRSIPStatus",
      "GetCommonLinkProperties":
      return [tellState(action)]
    case "SetConnectionType": return try setConnectionType(action)
    case "RequestConnection": return try requestConnection(action)
    case "ForceTermination": return try forceTermination(action)
    case "GetTotalBytesSent", "GetTotalBytesReceived", "GetTotalPacketsSent", "GetTotalPacketsReceived":
      return try count(action)
    default: throw SOAPFault(.invalidAction)
    }
  }

  func isControlPoint(_ address: IPAddress) -> Bool { settings.controlPoints.contains(address) }
}
