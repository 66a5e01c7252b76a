import Octets
import UPnPDescription

/// An argument of an action, by its name in the service description; its value is text (UDA 2.0, 3.2).
public struct SOAPArgument: Sendable, Hashable {
  public var name: String
  public var value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A request to perform an action of a service (UDA 2.0, 3.2.1).
public struct SOAPCall: Sendable, Hashable {
  /// The namespace of the action's element, such as `urn:schemas-upnp-org:service:WANIPConnection:2`; empty where the
  /// body named none.
  public var serviceType: String
  public var action: String
  /// In the order in which they stand.
  public var arguments: [SOAPArgument]
  /// The header entries that say that they must be understood; none is understood here.
  public var requiredHeaders: [String] = []

  public init(serviceType: String, action: String, arguments: [SOAPArgument] = []) {
    self.serviceType = serviceType
    self.action = action
    self.arguments = arguments
  }

  /// Reads the body of a request.
  ///
  /// - Throws: ``WireError``: `unsupported` where the envelope is of another version than SOAP 1.1.
  public init(parsing body: some Collection<UInt8>, limits: XMLLimits = .soap) throws {
    let envelope = try SOAPEnvelope(parsing: body, limits: limits)
    guard !envelope.isFault else { throw SOAPEnvelope.fault("a fault, expected a request") }
    serviceType = envelope.namespace ?? ""
    action = String(envelope.content.localName)
    arguments = envelope.arguments
    requiredHeaders = envelope.requiredHeaders
  }

  /// The first value under that name; `nil` where it is missing.
  public subscript(name: String) -> String? { arguments.first { $0.name == name }?.value }

  /// The value of the SOAPACTION field, with its quotation marks.
  public var actionField: String { "\"\(serviceType)#\(action)\"" }

  /// The service type and the action that a SOAPACTION field names; `nil` where it has no `#`.
  public static func actionField(_ text: String) -> (serviceType: String, action: String)? {
    let name = text.hasPrefix("\"") && text.hasSuffix("\"") && text.count > 1 ? text.dropFirst().dropLast() : text[...]
    guard let mark = name.lastIndex(of: "#") else { return nil }
    return (String(name[..<mark]), String(name[name.index(after: mark)...]))
  }

  /// The body in UTF-8.
  public var octets: [UInt8] { SOAPEnvelope.document(action, in: serviceType, arguments) }
}

/// What an action came to (UDA 2.0, 3.2.2).
public struct SOAPReply: Sendable, Hashable {
  /// The namespace of the response's element; empty where it named none.
  public var serviceType: String
  public var action: String
  public var arguments: [SOAPArgument]

  public init(serviceType: String, action: String, arguments: [SOAPArgument] = []) {
    self.serviceType = serviceType
    self.action = action
    self.arguments = arguments
  }

  /// The first value under that name; `nil` where it is missing.
  public subscript(name: String) -> String? { arguments.first { $0.name == name }?.value }

  /// The body in UTF-8.
  public var octets: [UInt8] { SOAPEnvelope.document(action + "Response", in: serviceType, arguments) }
}

/// The body of a response: a reply, or a fault.
public enum SOAPAnswer: Sendable, Hashable {
  case reply(SOAPReply)
  case fault(SOAPFault)

  /// Reads the body of a response, whatever its status was.
  ///
  /// - Throws: ``WireError``.
  public init(parsing body: some Collection<UInt8>) throws {
    let envelope = try SOAPEnvelope(parsing: body, limits: .soapAnswer)
    if envelope.isFault {
      self = .fault(SOAPFault(envelope.content))
      return
    }
    let name = String(envelope.content.localName)
    // Some devices forget the ending; the arguments are what counts.
    let action = name.hasSuffix("Response") ? String(name.dropLast("Response".count)) : name
    self = .reply(SOAPReply(serviceType: envelope.namespace ?? "", action: action, arguments: envelope.arguments))
  }
}

extension XMLLimits {
  /// For answers, which may list thousands of mappings: 1 MiB.
  static let soapAnswer: XMLLimits = {
    var limits = XMLLimits.soap
    limits.length = 1 << 20
    return limits
  }()

  /// For requests: 64 KiB, as the profile bounds bodies.
  public static let soap: XMLLimits = {
    var limits = XMLLimits()
    limits.length = 64 << 10
    limits.elements = 1024
    return limits
  }()
}
