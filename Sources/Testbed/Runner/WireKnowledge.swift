import Messages

/// What the runner has learnt from captured messages, to read facts with: the tokens and URLs that crossed the wire.
struct WireKnowledge {
  /// By agentId: the token of the latest `register-reply`.
  private(set) var controlTokens: [String: String] = [:]
  /// By agentId: where its configuration lies, as the latest `register` said.
  private(set) var configurationURLs: [String: String] = [:]
  /// Where an agent said that its interface lies, which it may have chosen for itself.
  func url(ofAgent id: String) -> HTTPURL? { configurationURLs[id].flatMap { HTTPURL($0) } }

  /// Configurators whose event stream was answered, or refused, since they were started.
  private var settled: Set<String> = []

  /// By node name: the fields of the newest `connection-reply` to it.
  private var connectionReplies: [String: JSONValue] = [:]

  mutating func forgetConnection(of node: String) { connectionReplies[node] = nil }
  func connection(of node: String) -> JSONValue? { connectionReplies[node] }

  /// The fields of the newest `request-result`.
  private(set) var lastResult: JSONValue?

  mutating func learn(_ event: Event) {
    switch event.name {
    case "request-result": lastResult = event.fields
    case "register":
      guard let agent = event.fields["agentId"]?.string, let url = event.fields["configurationURL"]?.string else {
        return
      }
      configurationURLs[agent] = url
    case "register-reply":
      guard let agent = event.fields["agentId"]?.string, let token = event.fields["controlToken"]?.string else {
        return
      }
      controlTokens[agent] = token
    case "connection-reply": if case .node(let name) = event.to { connectionReplies[name] = event.fields }
    case "request-stream-reply":
      if case .node(let name) = event.to { settled.insert(name) }
    default: break
    }
  }

  /// A connection attempt of the party was refused: its stream attempt is settled too.
  mutating func learn(refusalOf party: Party) { if case .node(let name) = party { settled.insert(name) } }

  mutating func forgetStream(of node: String) { settled.remove(node) }
  func isSettled(_ configurator: String) -> Bool { settled.contains(configurator) }
}
