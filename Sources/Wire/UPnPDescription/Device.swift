/// A device, embedded or root, as a description tells of it (UDA 2.0, 2.3).
public struct Device: Sendable, Hashable {
  /// Such as `urn:schemas-upnp-org:device:Basic:1`.
  public var deviceType: String
  public var friendlyName: String
  public var manufacturer: String
  public var manufacturerURL: String?
  public var modelDescription: String?
  public var modelName: String
  public var modelNumber: String?
  public var modelURL: String?
  public var serialNumber: String?
  /// `uuid:` and the device's UUID.
  public var uniqueDeviceName: String
  public var services: [Service]
  /// Embedded devices.
  public var devices: [Device]
  public var presentationURL: String?
  /// All other children in their order: icons, and what extends the description, such as `htip:X_DeviceCategory`.
  public var extensions: [XMLElement]

  public init(
    deviceType: String, friendlyName: String, manufacturer: String, modelName: String, uniqueDeviceName: String,
    manufacturerURL: String? = nil, modelDescription: String? = nil, modelNumber: String? = nil,
    modelURL: String? = nil, serialNumber: String? = nil, services: [Service] = [], devices: [Device] = [],
    presentationURL: String? = nil, extensions: [XMLElement] = []
  ) {
    self.deviceType = deviceType
    self.friendlyName = friendlyName
    self.manufacturer = manufacturer
    self.manufacturerURL = manufacturerURL
    self.modelDescription = modelDescription
    self.modelName = modelName
    self.modelNumber = modelNumber
    self.modelURL = modelURL
    self.serialNumber = serialNumber
    self.uniqueDeviceName = uniqueDeviceName
    self.services = services
    self.devices = devices
    self.presentationURL = presentationURL
    self.extensions = extensions
  }

  /// The UUID of `uniqueDeviceName`; `nil` where that is none.
  public var uuid: String? {
    let prefix = uniqueDeviceName.prefix(5)
    guard prefix.lowercased() == "uuid:", uniqueDeviceName.count > 5 else { return nil }
    return String(uniqueDeviceName.dropFirst(5))
  }

  /// The text of the first extension with that local name, whatever its prefix.
  public func extensionText(_ localName: String) -> String? {
    extensions.first { $0.localName == localName }?.text
  }

  /// The device and all that it embeds, itself first.
  public var all: [Device] { [self] + devices.flatMap(\.all) }

  /// Takes a device from its element; missing texts are empty, but a type and a UDN are required.
  init(_ element: XMLElement) throws {
    var rest = element.elements
    func text(_ name: String) -> String? { rest.take(name)?.text }
    guard let type = text("deviceType"), !type.isEmpty else {
      throw DeviceDescription.fault("a device without deviceType")
    }
    guard let name = text("UDN"), !name.isEmpty else {
      throw DeviceDescription.fault("the device \(type) without UDN")
    }
    deviceType = type
    uniqueDeviceName = name
    friendlyName = text("friendlyName") ?? ""
    manufacturer = text("manufacturer") ?? ""
    manufacturerURL = text("manufacturerURL")
    modelDescription = text("modelDescription")
    modelName = text("modelName") ?? ""
    modelNumber = text("modelNumber")
    modelURL = text("modelURL")
    serialNumber = text("serialNumber")
    presentationURL = text("presentationURL")
    services = try rest.take("serviceList")?.elements.filter { $0.localName == "service" }.map(Service.init) ?? []
    devices = try rest.take("deviceList")?.elements.filter { $0.localName == "device" }.map(Device.init) ?? []
    extensions = rest
  }

  var element: XMLElement {
    var children: [XMLElement] = []
    func add(_ name: String, _ text: String?) { if let text { children.append(XMLElement(name, text: text)) } }
    add("deviceType", deviceType)
    add("friendlyName", friendlyName)
    add("manufacturer", manufacturer)
    add("manufacturerURL", manufacturerURL)
    add("modelDescription", modelDescription)
    add("modelName", modelName)
    add("modelNumber", modelNumber)
    add("modelURL", modelURL)
    add("serialNumber", serialNumber)
    add("UDN", uniqueDeviceName)
    if !services.isEmpty { children.append(XMLElement("serviceList", services.map(\.element))) }
    if !devices.isEmpty { children.append(XMLElement("deviceList", devices.map(\.element))) }
    add("presentationURL", presentationURL)
    return XMLElement("device", children + extensions)
  }

  func usesPrefix(_ prefix: String) -> Bool {
    extensions.contains { $0.name.hasPrefix(prefix) } || devices.contains { $0.usesPrefix(prefix) }
  }
}

/// A service of a device (UDA 2.0, 2.3).
public struct Service: Sendable, Hashable {
  public var serviceType: String
  public var serviceID: String
  /// URL of the service description, as written.
  public var descriptionURL: String
  public var controlURL: String
  public var eventSubscriptionURL: String
  /// All other children.
  public var extensions: [XMLElement]

  public init(
    serviceType: String, serviceID: String, descriptionURL: String, controlURL: String, eventSubscriptionURL: String,
    extensions: [XMLElement] = []
  ) {
    self.serviceType = serviceType
    self.serviceID = serviceID
    self.descriptionURL = descriptionURL
    self.controlURL = controlURL
    self.eventSubscriptionURL = eventSubscriptionURL
    self.extensions = extensions
  }

  init(_ element: XMLElement) throws {
    var rest = element.elements
    guard let type = rest.take("serviceType")?.text, !type.isEmpty else {
      throw DeviceDescription.fault("a service without serviceType")
    }
    serviceType = type
    serviceID = rest.take("serviceId")?.text ?? ""
    descriptionURL = rest.take("SCPDURL")?.text ?? ""
    controlURL = rest.take("controlURL")?.text ?? ""
    eventSubscriptionURL = rest.take("eventSubURL")?.text ?? ""
    extensions = rest
  }

  var element: XMLElement {
    XMLElement(
      "service",
      [
        XMLElement("serviceType", text: serviceType), XMLElement("serviceId", text: serviceID),
        XMLElement("SCPDURL", text: descriptionURL), XMLElement("controlURL", text: controlURL),
        XMLElement("eventSubURL", text: eventSubscriptionURL),
      ] + extensions)
  }
}
