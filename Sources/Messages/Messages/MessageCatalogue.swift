/// The messages of the profile: the one source from which come the reading of captures, the checking of scenarios and
/// the documentation.
public enum MessageCatalogue {
  /// Every message, in the order of the profile's sections.
  public static let all: [MessageDefinition] =
    discovery + registration + server + connections + peers + gateway + checks + surroundings

  private static let byName = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  private static let replies = Dictionary(
    all.compactMap { definition in definition.requestName.map { ($0, definition) } },
    uniquingKeysWith: { first, _ in first })

  public static subscript(name: String) -> MessageDefinition? { byName[name] }

  /// The message that answers the one of this name.
  public static func reply(to name: String) -> MessageDefinition? { replies[name] }

  public static let names = all.map(\.name)

  /// The messages that are HTTP requests to a path that the profile fixes.
  static let requests = all.filter { if case .http = $0.binding { true } else { false } }

  /// The message that an HTTP request is, with its path's parameters.
  ///
  /// - Parameters:
  ///   - server: what the party that the request went to is; `nil` where that is not known. A message for another
  ///     kind of server is taken only where no message for this kind fits.
  ///   - client: what the sender is; `nil` where that is not known.
  public static func request(
    method: String, path: String, server: PartyKind?, client: PartyKind?
  ) -> (definition: MessageDefinition, parameters: [(name: String, value: String)])? {
    var best: (definition: MessageDefinition, parameters: [(name: String, value: String)])?
    var bestScore = -1
    guard let parts = PathTemplate.parts(path) else { return nil }
    for definition in requests {
      guard case .http(let wanted, let paths, let kind) = definition.binding, wanted == method else { continue }
      for template in paths {
        guard let parameters = template.match(parts) else { continue }
        // A path that says nothing (`/{application}`) tells a message only where the server's kind fits it.
        if template.literalCount == 0, let server, server != kind, server != .homeGateway, server != .host { continue }
        var score = template.literalCount
        if server == kind { score += 100 }
        if let client, definition.directions.contains(where: { $0.from.covers(client) }) { score += 50 }
        if score > bestScore {
          best = (definition, parameters)
          bestScore = score
        }
      }
    }
    return best
  }
}
