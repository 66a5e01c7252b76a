/// A variable of a service's state (UDA 2.0, 2.5).
public struct StateVariable: Sendable, Hashable {
  /// The data types that are used here.
  public enum DataType: String, Sendable, Hashable {
    case ui2, ui4, boolean, string
  }

  public var name: String
  public var type: DataType
  public var isEvented: Bool
  /// The values that a string may have; empty where it may have any.
  public var allowedValues: [String]
  /// The numbers that it may have, within those of its type.
  public var range: ClosedRange<UInt32>?
  public var defaultValue: String?

  public init(
    _ name: String, _ type: DataType, isEvented: Bool = false, allowedValues: [String] = [],
    range: ClosedRange<UInt32>? = nil, defaultValue: String? = nil
  ) {
    self.name = name
    self.type = type
    self.isEvented = isEvented
    self.allowedValues = allowedValues
    self.range = range
    self.defaultValue = defaultValue
  }

  var element: XMLElement {
    var children = [XMLElement("name", text: name), XMLElement("dataType", text: type.rawValue)]
    if let defaultValue { children.append(XMLElement("defaultValue", text: defaultValue)) }
    if !allowedValues.isEmpty {
      children.append(XMLElement("allowedValueList", allowedValues.map { XMLElement("allowedValue", text: $0) }))
    }
    if let range {
      children.append(
        XMLElement(
          "allowedValueRange",
          [
            XMLElement("minimum", text: String(range.lowerBound)),
            XMLElement("maximum", text: String(range.upperBound)), XMLElement("step", text: "1"),
          ]))
    }
    var element = XMLElement("stateVariable", children)
    element.attributes = [.init(name: "sendEvents", value: isEvented ? "yes" : "no")]
    return element
  }
}

/// An action of a service (UDA 2.0, 2.5).
public struct ServiceAction: Sendable, Hashable {
  public enum Direction: String, Sendable, Hashable {
    case `in`, out
  }

  public struct Argument: Sendable, Hashable {
    public var name: String
    public var direction: Direction
    /// The state variable whose type and values it has.
    public var variable: String

    public init(_ name: String, _ direction: Direction, _ variable: String) {
      self.name = name
      self.direction = direction
      self.variable = variable
    }
  }

  public var name: String
  /// Those in come first.
  public var arguments: [Argument]
  /// The version of the service that brought it.
  public var since: Int

  public init(_ name: String, _ arguments: [Argument] = [], since: Int = 1) {
    self.name = name
    self.arguments = arguments
    self.since = since
  }

  public var inputs: [Argument] { arguments.filter { $0.direction == .in } }
  public var outputs: [Argument] { arguments.filter { $0.direction == .out } }

  var element: XMLElement {
    var children = [XMLElement("name", text: name)]
    if !arguments.isEmpty {
      children.append(
        XMLElement(
          "argumentList",
          arguments.map { argument in
            XMLElement(
              "argument",
              [
                XMLElement("name", text: argument.name), XMLElement("direction", text: argument.direction.rawValue),
                XMLElement("relatedStateVariable", text: argument.variable),
              ])
          }))
    }
    return XMLElement("action", children)
  }
}

/// A service's actions and state variables, as its description tells them (UDA 2.0, 2.5).
public struct ServiceDescription: Sendable, Hashable {
  /// The namespace of service descriptions.
  public static let namespace = "urn:schemas-upnp-org:service-1-0"

  public var actions: [ServiceAction]
  public var variables: [StateVariable]

  public init(actions: [ServiceAction], variables: [StateVariable]) {
    self.actions = actions
    self.variables = variables
  }

  public func action(_ name: String) -> ServiceAction? { actions.first { $0.name == name } }
  public func variable(_ name: String) -> StateVariable? { variables.first { $0.name == name } }

  /// The document in UTF-8, for UDA 2.0.
  ///
  /// - Parameter configurationID: that of the device description.
  public func octets(configurationID: Int) -> [UInt8] {
    XMLElement(
      "scpd",
      attributes: [
        .init(name: "xmlns", value: Self.namespace), .init(name: "configId", value: String(configurationID)),
      ],
      children: [
        XMLElement("specVersion", [XMLElement("major", text: "2"), XMLElement("minor", text: "0")]),
        XMLElement("actionList", actions.map(\.element)),
        XMLElement("serviceStateTable", variables.map(\.element)),
      ].map { .element($0) }
    ).document
  }
}
