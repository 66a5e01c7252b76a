import HTTPWire
import Octets
import Taps

/// HTTP messages with other addresses in them, of which the lengths that they tell stay true.
enum HTTPText {
  /// A request, or any other octets, with the loopback addresses that stand for the topology's.
  ///
  /// A Content-Length that was true is mended; one that was not is what the scenario wants, and stays.
  static func mapped(_ octets: [UInt8], _ map: AddressMap, preferring networks: [String]) -> [UInt8] {
    guard let end = octets.firstRange(of: Array("\r\n\r\n".utf8)) else {
      return map.mapped(octets, preferring: networks)
    }
    var head = String(decoding: map.mapped(Array(octets[..<end.lowerBound]), preferring: networks), as: UTF8.self)
    let body = Array(octets[end.upperBound...])
    let mappedBody = map.mapped(body, preferring: networks)
    var lines = head.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
    for (index, line) in lines.enumerated() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "content-length",
        Int(parts[1].drop { $0 == " " }) == body.count
      else { continue }
      lines[index] = "\(parts[0]): \(mappedBody.count)"
    }
    head = lines.joined(separator: "\r\n")
    return Array(head.utf8) + Array("\r\n\r\n".utf8) + mappedBody
  }

  /// What a server answered, with the topology's addresses.
  static func restored(_ octets: [UInt8], _ map: AddressMap) -> [UInt8] {
    let text = map.restored(octets)
    guard text != octets else { return octets }
    var parser = HTTPStreamParser(.responses, rules: HTTPRules())
    for located in parser.feed(octets[...]) + parser.finish() {
      guard case .response(var response, _) = located.item, response.status >= 200 else { continue }
      response.body = map.restored(response.body)
      response.fields = HTTPFields(
        response.fields.list.filter { !["content-length", "transfer-encoding"].contains($0.name.lowercased()) }.map {
          HTTPFields.Field($0.name, map.restored($0.value))
        })
      if let octets = try? response.octets() { return octets }
    }
    return text
  }
}
