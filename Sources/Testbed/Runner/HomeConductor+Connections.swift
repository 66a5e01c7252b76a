import Backends
import LinuxNetwork
import Messages
import ScenarioLanguage
import TopologyLanguage

/// `phone connects to tv media`: a mobile device's program is started for each connection (4.4).
extension HomeConductor {
  /// Starts the program that plays a mobile device, ours or a foreign one; in `given` it must have come to a good end.
  func connect(
    _ mobile: Node, to agent: Node, _ application: String, token: String?, mode: ActionMode
  ) async throws {
    guard powered.contains(mobile.name) else {
      throw ActionFailure("\(mobile.name) has no power; hint: power it on in given")
    }
    knowledge.forgetConnection(of: mobile.name)
    let program = try running().start(
      try visitProgram(mobile, to: agent, application, token: token))
    let number = programs.add(visit: program)
    guard mode == .untilTrue else { return }
    while !isOver {
      if let status = programs.visit(number)?.status {
        guard status != 0 else { return }
        let words = programs.visit(number)?.output.joined(separator: " | ") ?? ""
        throw ActionFailure("\(mobile.name) did not reach \(application) of \(agent.name): status \(status): \(words)")
      }
      try await pump(until: HostClock.wall() + Pause.betweenPolls)
    }
  }

  /// What a mobile device runs; what it is to do stands in its environment.
  private func visitProgram(
    _ mobile: Node, to agent: Node, _ application: String, token: String?
  ) throws -> NodeProgram {
    guard let home = agent.home else { throw ActionFailure("\(agent.name) is in no home") }
    let state = "\(folder)/state/\(mobile.name)"
    try Files.makeFolder(state)
    let tokens = "\(folder)/state/\(mobile.name).\(home).tokens"
    try Files.write(secrets.mobileFile(home: home).pretty + "\n", to: tokens, mode: 0o600)
    var variables = environment.variables(
      for: mobile, stateFolder: state, tokenFile: tokens, addresses: addresses.all(of: mobile.name))
    variables["HOMEBED_HOME"] = home
    variables["HOMEBED_AGENT_ID"] = agent.id
    variables["HOMEBED_APPLICATION"] = application
    if let token { variables["HOMEBED_CONNECTION_TOKEN"] = token }
    let command: [String] =
      if case .command(let foreign)? = options.devices[mobile.name] {
        ["/bin/sh", "-c", foreign]
      } else {
        ["\(options.programFolder)/mobile-client", "connect"]
      }
    return NodeProgram(
      node: mobile.name, executable: command[0], arguments: Array(command.dropFirst()), environment: variables,
      stateFolder: state, resolver: try resolverFile(of: mobile), logFile: logFile(of: mobile.name))
  }
}
