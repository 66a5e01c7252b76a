import ArgumentParser
import Messages
import RoleHost
import RoleKit
import ServiceServerRole

@main
struct ServiceServerProgram: RoleProgram {
  static let configuration = CommandConfiguration(
    commandName: "service-server",
    abstract: "The service server: knows the homes, their agents and the configurations that these are to have.",
    discussion: """
      Example, on a loopback address:
        service-server --address 127.0.0.1 --token-file tokens.json
      where the token file holds {"operatorToken": "...", "homes": {"home": {"homeToken": "...", "userToken": "..."}}}.
      Each flag has a variable, such as HOMEBED_TOKEN_FILE for --token-file. `ready` is printed when it works.
      """,
    version: programVersion)

  @OptionGroup var common: HostOptions

  func run() async throws {
    let common = try common.read(
      program: "service-server", defaultPort: DefaultPort.serviceServer, speaksSSDP: false)
    var homes: [String: HomeTokens] = [:]
    for (id, home) in common.tokens.homes {
      guard let homeToken = home.homeToken, let userToken = home.userToken else {
        throw HostError.usage("the token file lacks homeToken or userToken of the home \(id)")
      }
      homes[id] = HomeTokens(homeToken: homeToken, userToken: userToken)
    }
    if common.tokens.operatorToken == nil {
      common.host.log.warning("no operatorToken in a token file: nobody may provision homes or configurations")
    }
    let settings = ServiceServerSettings(
      operatorToken: common.tokens.operatorToken, homes: homes, hostNames: common.hostNames)
    try await Self.host(ServiceServer(settings: settings), common, tables: ServiceServerTables.all)
  }
}
