import Octets
import Testing
import UPnPDescription

@testable import SOAP

@Suite struct SOAPTests {
  static let service = "urn:schemas-upnp-org:service:WANIPConnection:2"

  static let call = SOAPCall(
    serviceType: service, action: "AddPortMapping",
    arguments: [
      SOAPArgument("NewRemoteHost", ""), SOAPArgument("NewExternalPort", "8080"),
      SOAPArgument("NewPortMappingDescription", " a <b> & \"c\" "),
    ])

  @Test func aCallIsReadAsItWasWritten() throws {
    let read = try SOAPCall(parsing: Self.call.octets)
    #expect(read == Self.call)
    #expect(read["NewPortMappingDescription"] == " a <b> & \"c\" ")
    #expect(read["newExternalPort"] == nil)
    #expect(Self.call.actionField == "\"\(Self.service)#AddPortMapping\"")
    let text = String(decoding: Self.call.octets, as: UTF8.self)
    #expect(text.contains("s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\""))
    #expect(text.contains("<u:AddPortMapping xmlns:u=\"\(Self.service)\">"))
  }

  @Test(arguments: ["<a>]]></a>", "<a>]]]></a>", "<]]>]]>]", "<a b=\"&amp;\"/>"])
  func aDocumentInAnArgumentIsASection(document: String) throws {
    let call = SOAPCall(serviceType: Self.service, action: "Do", arguments: [SOAPArgument("List", document)])
    #expect(String(decoding: call.octets, as: UTF8.self).contains("<List><![CDATA[<"))
    #expect(try SOAPCall(parsing: call.octets) == call)
  }

  @Test func aReplyIsReadAsItWasWritten() throws {
    let reply = SOAPReply(
      serviceType: Self.service, action: "GetExternalIPAddress",
      arguments: [SOAPArgument("NewExternalIPAddress", "203.0.113.2")])
    #expect(try SOAPAnswer(parsing: reply.octets) == .reply(reply))
  }

  @Test func aFaultIsReadAsItWasWritten() throws {
    let fault = SOAPFault(errorCode: 718, "ConflictInMappingEntry")
    #expect(try SOAPAnswer(parsing: fault.octets) == .fault(fault))
    #expect("\(fault)" == "UPnP error 718: ConflictInMappingEntry")
    let own = SOAPFault(faultCode: "MustUnderstand", faultString: "not understood: x")
    #expect(try SOAPAnswer(parsing: own.octets) == .fault(own))
    #expect(throws: WireError(.malformed, in: "SOAP", at: 0, "")) { try SOAPCall(parsing: own.octets) }
  }

  /// The request of another program, with other prefixes, a declaration inside, and a header.
  @Test func otherPrefixesAreTaken() throws {
    let text = """
      <?xml version="1.0"?>\r
      <SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/">
      <SOAP-ENV:Header><t:x xmlns:t="urn:t" SOAP-ENV:mustUnderstand="1"/><t:y xmlns:t="urn:t"/></SOAP-ENV:Header>
      <SOAP-ENV:Body><GetStatusInfo xmlns="urn:schemas-upnp-org:service:WANIPConnection:1"></GetStatusInfo>
      </SOAP-ENV:Body></SOAP-ENV:Envelope>
      """
    let call = try SOAPCall(parsing: Array(text.utf8))
    #expect(call.serviceType == "urn:schemas-upnp-org:service:WANIPConnection:1")
    #expect(call.action == "GetStatusInfo")
    #expect(call.arguments.isEmpty)
    #expect(call.requiredHeaders == ["x"])
  }

  @Test(arguments: [
    ("", "XML", WireError.Code.truncated, 0), ("<a/>", "SOAP", .malformed, 0),
    (
      "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body><a/></s:Body></s:Envelope>", "SOAP",
      .unsupported, 0
    ),
    ("<Envelope><Body/></Envelope>", "SOAP", .malformed, 0), ("<Envelope/>", "SOAP", .malformed, 0),
    ("<!DOCTYPE a [<!ENTITY b \"c\">]><Envelope/>", "XML", .unsupported, 0),
    ("<Envelope><Body><a>&b;</a></Body></Envelope>", "XML", .malformed, 19),
    ("<Envelope><Body><a></b></Body></Envelope>", "XML", .malformed, 21),
  ])
  func badTextIsRefused(text: String, format: String, code: WireError.Code, offset: Int) {
    #expect(throws: WireError(code, in: format, at: offset, "")) { try SOAPCall(parsing: Array(text.utf8)) }
  }

  @Test func theBoundsHold() {
    let deep = "<Envelope><Body>" + String(repeating: "<a>", count: 10_000)
    #expect(throws: WireError(.tooLong, in: "XML", at: 16 + 22 * 3, "")) { try SOAPCall(parsing: Array(deep.utf8)) }
    let wide = "<Envelope><Body><a>" + String(repeating: "<b/>", count: 2000)
    #expect(throws: WireError.self) { try SOAPCall(parsing: Array(wide.utf8)) }
    let long = "<Envelope><Body><a>" + String(repeating: "b", count: 70_000)
    #expect(throws: WireError(.tooLong, in: "XML", at: 65_536, "")) { try SOAPCall(parsing: Array(long.utf8)) }
  }

  @Test(arguments: [
    ("\"urn:x#Do\"", "urn:x", "Do"), ("urn:x#Do", "urn:x", "Do"), ("\"#Do\"", "", "Do"),
  ])
  func theActionFieldIsRead(text: String, serviceType: String, action: String) throws {
    let read = try #require(SOAPCall.actionField(text))
    #expect(read.serviceType == serviceType)
    #expect(read.action == action)
    #expect(SOAPCall.actionField("Do") == nil)
  }

  /// Whatever comes, the reader ends with a value or an error that lies within the octets.
  @Test func changedOctetsAreSurvived() {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    func number(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(bound))
    }
    for _ in 0..<2000 {
      var octets = Self.call.octets
      for _ in 0...number(4) { octets[number(octets.count)] = UInt8(number(256)) }
      if number(4) == 0 { octets.removeLast(number(octets.count)) }
      do {
        _ = try SOAPCall(parsing: octets)
      } catch let fault as WireError {
        #expect((0...octets.count).contains(fault.offset))
      } catch {
        Issue.record("another error: \(error)")
      }
    }
  }
}
