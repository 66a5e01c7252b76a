// SOAP as HTTP carries it (UDA 2.0, 3.2).

extension HTTPRequest {
  /// The request for an action at a service's control URL.
  ///
  /// - Parameter target: the path of the control URL, with its query.
  public static func soap(_ call: SOAPCall, target: String) -> HTTPRequest {
    HTTPRequest(
      "POST", target,
      fields: HTTPFields([
        .init("Content-Type", ProfileNames.soapType), .init("SOAPACTION", call.actionField),
        .init("User-Agent", ProfileNames.upnpProduct),
      ]), body: call.octets)
  }
}

extension HTTPResponse {
  /// 200 with what an action gave.
  public static func soap(_ reply: SOAPReply) -> HTTPResponse { soap(200, reply.octets) }

  /// 500 with a fault.
  public static func soap(_ fault: SOAPFault) -> HTTPResponse { soap(500, fault.octets) }

  private static func soap(_ status: Int, _ body: [UInt8]) -> HTTPResponse {
    HTTPResponse(
      status,
      fields: HTTPFields([
        .init("Content-Type", ProfileNames.soapType), .init("Ext", ""), .init("Server", ProfileNames.upnpProduct),
      ]), body: body)
  }

  /// What the response to an action says.
  ///
  /// - Throws: ``WireError`` where the body is no SOAP, as a proxy's error page is not.
  public func soapAnswer() throws -> SOAPAnswer { try SOAPAnswer(parsing: body) }
}
