import SOAP
import Testing

@Suite struct LongAnswerTests {
  /// As a list of a thousand mappings is.
  @Test func aLongAnswerIsRead() throws {
    let reply = SOAPReply(
      serviceType: "urn:x", action: "Do",
      arguments: [SOAPArgument("List", "<" + String(repeating: "x", count: 200_000))])
    #expect(try SOAPAnswer(parsing: reply.octets) == .reply(reply))
  }
}
