import HTTPWire
import JSONText
import Messages
import SOAP

/// Actions of a home gateway that are messages (profile section 7).
enum SOAPFields {
  /// The message that a SOAP request is; `nil` for actions that are none, and for requests that are no SOAP.
  static func definition(of request: HTTPRequest) -> MessageDefinition? {
    guard request.method == "POST", let text = request.fields["SOAPACTION"],
      let (serviceType, action) = SOAPCall.actionField(text), isConnection(serviceType)
    else { return nil }
    return definitions.first { $0.actions.contains(action) }?.definition
  }

  /// WANPPPConnection has the same actions for mappings, on gateways of other people.
  private static func isConnection(_ serviceType: String) -> Bool {
    ["WANIPConnection:", "WANPPPConnection:"].contains { serviceType.hasPrefix(GatewayService.typePrefix + $0) }
  }

  private static let definitions: [(definition: MessageDefinition, actions: [String])] =
    MessageCatalogue.all.compactMap {
      if case .soap(let actions) = $0.binding { ($0, actions) } else { nil }
    }

  /// The arguments of a request; none where its body is no SOAP.
  static func request(_ body: [UInt8], _ definition: MessageDefinition) -> JSONValue {
    guard let call = try? SOAPCall(parsing: body) else { return MessageFields.body(body, [:]) }
    return fields(call.arguments, definition)
  }

  /// The arguments of a reply, or what a fault says.
  static func reply(_ body: [UInt8], _ definition: MessageDefinition) -> JSONValue {
    switch try? SOAPAnswer(parsing: body) {
    case .reply(let reply)?: return fields(reply.arguments, definition)
    case .fault(let fault)?:
      var result: JSONValue = [:]
      result["errorCode"] = fault.errorCode.map { .int($0) }
      result["errorDescription"] = .string(fault.errorDescription ?? fault.faultString)
      return result
    case nil: return MessageFields.body(body, [:])
    }
  }

  private static func fields(_ arguments: [SOAPArgument], _ definition: MessageDefinition) -> JSONValue {
    var result: JSONValue = [:]
    for argument in arguments where result[argument.name] == nil {
      result[argument.name] = value(argument.value, definition.fields.first { $0.name == argument.name }?.type)
    }
    return result
  }

  /// SOAP has text alone; what the catalogue calls a number becomes one, where it is one.
  private static func value(_ text: String, _ type: FieldType?) -> JSONValue {
    switch type {
    case .integer?, .any?: Int(text).map { .int($0) } ?? .string(text)
    default: .string(text)
    }
  }
}
