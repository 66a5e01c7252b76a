import Octets

/// A UPnP device description (UPnP Device Architecture 2.0, clause 2.3).
public struct DeviceDescription: Sendable, Hashable {
  /// The namespace of device descriptions.
  public static let namespace = "urn:schemas-upnp-org:device-1-0"
  /// The namespace that elements with the prefix `htip:` are written in; no published source names one.
  public static let htipNamespace = "urn:schemas-homebed:htip-1-0"

  /// specVersion, such as 2.0 or 1.1.
  public var majorVersion: Int
  public var minorVersion: Int
  /// The attribute configId, 0 to 2^24-1.
  public var configurationID: Int?
  /// The root device.
  public var device: Device
  /// Attributes of the root element other than its namespace and configId; other prefixes are declared here.
  public var otherAttributes: [XMLElement.Attribute]
  /// Children of the root element that are not named above, URLBase among them.
  public var otherElements: [XMLElement]

  public init(
    device: Device, configurationID: Int? = nil, majorVersion: Int = 2, minorVersion: Int = 0,
    otherAttributes: [XMLElement.Attribute] = [], otherElements: [XMLElement] = []
  ) {
    self.device = device
    self.configurationID = configurationID
    self.majorVersion = majorVersion
    self.minorVersion = minorVersion
    self.otherAttributes = otherAttributes
    self.otherElements = otherElements
  }

  /// Reads a description.
  ///
  /// - Throws: ``WireError``; for XML that is no description its format is `UPnP description` and the offset 0.
  public init(parsing octets: some Collection<UInt8>, limits: XMLLimits = XMLLimits()) throws {
    try self.init(root: try XMLElement(parsing: octets, limits: limits))
  }

  /// Takes a description from its root element.
  public init(root: XMLElement) throws {
    guard root.localName == "root" else {
      throw Self.fault("the root element is \(root.name), expected root")
    }
    configurationID = root.attribute("configId").flatMap { Int($0) }
    otherAttributes = root.attributes.filter { $0.name != "xmlns" && ($0.name != "configId" || Int($0.value) == nil) }
    var rest = root.elements
    let version = rest.take("specVersion")
    majorVersion = version?.first("major").flatMap { Int($0.text) } ?? 1
    minorVersion = version?.first("minor").flatMap { Int($0.text) } ?? 0
    guard let device = rest.take("device") else { throw Self.fault("no element device") }
    self.device = try Device(device)
    otherElements = rest
  }

  static func fault(_ reason: String) -> WireError { WireError(.malformed, in: "UPnP description", at: 0, reason) }

  /// The root element; `xmlns:htip` is declared where a device needs it.
  public var root: XMLElement {
    var root = XMLElement("root")
    root.attributes = [.init(name: "xmlns", value: Self.namespace)]
    if let configurationID { root.attributes.append(.init(name: "configId", value: String(configurationID))) }
    if device.usesPrefix("htip:"), !otherAttributes.contains(where: { $0.name == "xmlns:htip" }) {
      root.attributes.append(.init(name: "xmlns:htip", value: Self.htipNamespace))
    }
    root.attributes += otherAttributes
    let version = XMLElement(
      "specVersion",
      [XMLElement("major", text: String(majorVersion)), XMLElement("minor", text: String(minorVersion))])
    root.children = ([version] + otherElements + [device.element]).map { .element($0) }
    return root
  }

  /// The document in UTF-8.
  public var octets: [UInt8] { root.document }
}

extension [XMLElement] {
  /// Removes the first element with that local name.
  mutating func take(_ localName: String) -> XMLElement? {
    guard let index = firstIndex(where: { $0.localName == localName }) else { return nil }
    return remove(at: index)
  }
}
