import Octets
import Testing
import UPnPDescription

@Suite struct DeviceDescriptionTests {
  @Test func miniupnpdIsRead() throws {
    let description = try DeviceDescription(parsing: VectorFile.octets("miniupnpd_rootDesc.xml"))
    let device = description.device
    #expect(description.majorVersion == 1 && description.minorVersion == 1)
    #expect(description.configurationID == 1337)
    #expect(device.deviceType == "urn:schemas-upnp-org:device:InternetGatewayDevice:2")
    #expect(device.uuid == "11111111-2222-3333-4444-555555555555")
    #expect(device.presentationURL == "http://192.168.11.1/")
    #expect(device.services.map(\.serviceID).first == "urn:upnp-org:serviceId:L3Forwarding1")
    #expect(device.all.count == 3)
    let connection = try #require(device.all.last)
    #expect(connection.services.first?.controlURL == "/ctl/IPConn")
    #expect(connection.extensionText("UPC") == "000000000000")
    #expect(try DeviceDescription(parsing: description.octets) == description)
  }

  private var agent: DeviceDescription {
    DeviceDescription(
      device: Device(
        deviceType: "urn:schemas-upnp-org:device:Basic:1", friendlyName: "Living room <TV> & more",
        manufacturer: "Maker", modelName: "TV-1", uniqueDeviceName: "uuid:7f9c0000-0000-4000-8000-000000000001",
        modelNumber: "2026", serialNumber: "S1",
        extensions: [
          XMLElement("htip:X_DeviceCategory", text: "AV_TV,AV_Recorder"),
          XMLElement("htip:X_ManufacturerOUI", text: "02CE01"),
        ]),
      configurationID: 1)
  }

  @Test func anHTIPAgentRoundTrips() throws {
    let text = String(decoding: agent.octets, as: UTF8.self)
    #expect(text.contains("<friendlyName>Living room &lt;TV&gt; &amp; more</friendlyName>"))
    #expect(text.contains("xmlns:htip=\"\(DeviceDescription.htipNamespace)\""))
    let read = try DeviceDescription(parsing: agent.octets)
    #expect(read.device == agent.device)
    #expect(read.device.extensionText("X_DeviceCategory") == "AV_TV,AV_Recorder")
    #expect(read.octets == agent.octets)
  }

  @Test func anotherPrefixAndUnknownElementsAreKept() throws {
    let text = """
      <u:root xmlns:u="urn:schemas-upnp-org:device-1-0" xmlns:h="urn:any"><u:specVersion><u:major>2</u:major>
      <u:minor>0</u:minor></u:specVersion><u:URLBase>http://h/</u:URLBase><u:device><u:deviceType>t</u:deviceType>
      <u:UDN>uuid:x</u:UDN><h:X_DeviceCategory>COM_Switch</h:X_DeviceCategory>
      <u:iconList><u:icon><u:url>/i.png</u:url></u:icon></u:iconList></u:device></u:root>
      """
    let description = try DeviceDescription(parsing: text.utf8)
    #expect(description.majorVersion == 2)
    #expect(description.otherElements.map(\.text) == ["http://h/"])
    #expect(description.device.extensionText("X_DeviceCategory") == "COM_Switch")
    #expect(description.device.extensions.map(\.name) == ["h:X_DeviceCategory", "u:iconList"])
    #expect(description.device.friendlyName == "")
    #expect(try DeviceDescription(parsing: description.octets) == description)
  }

  @Test(arguments: [
    "<a/>", "<root/>", "<root><device/></root>", "<root><device><deviceType>t</deviceType></device></root>",
    "<root><device><UDN>uuid:x</UDN></device></root>",
    "<root><device><deviceType>t</deviceType><UDN>u</UDN><serviceList><service/></serviceList></device></root>",
  ]) func whatIsNoDescriptionIsRefused(text: String) {
    #expect(throws: WireError(.malformed, in: "UPnP description", at: 0, "")) {
      try DeviceDescription(parsing: text.utf8)
    }
  }
}
