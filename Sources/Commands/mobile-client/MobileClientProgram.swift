import ArgumentParser
import Messages
import MobileClientRole
import RoleHost
import RoleKit

@main
struct MobileClientProgram: RoleProgram {
  static let configuration = CommandConfiguration(
    commandName: "mobile-client",
    abstract: "A mobile device outside the home: reaches a CE device by way of the service server.",
    discussion: """
      Example, with the user's token in a file {"userToken": "..."}:
        mobile-client list --server-url http://198.51.100.10:8080 --home home-a --token-file user.json
        mobile-client connect --server-url http://198.51.100.10:8080 --home home-a --token-file user.json \
      --agent 7f9c... --application media
      Each flag has a variable, such as HOMEBED_SERVER_URL for --server-url.
      Exit status: 0 done; 1 the system refuses something; 2 wrong arguments; 3 the server refused; 4 the home is not \
      to be reached now (503, 504); 5 the server does not answer; 6 the application refused; 7 it does not answer.
      """,
    version: programVersion, subcommands: [Connect.self, ListAgents.self])
}

/// What both tasks need.
struct ServerOptions: ParsableArguments {
  @Option(
    name: [.customLong("server-url"), .customLong("server")],
    help: ArgumentHelp("The service server.", valueName: "http://host:port"))
  var serverUrl: String?

  @Option(help: ArgumentHelp("The home's identifier at the service server.", valueName: "home"))
  var home: String?

  @Flag(help: "Tells all in one JSON object at the end, times in ms.")
  var json = false

  func settings(
    _ common: CommonSettings, _ task: MobileClientSettings.Task
  ) throws(HostError) -> MobileClientSettings {
    guard let url = OptionValue.find("server-url", flag: serverUrl) else {
      throw .usage("no service server is named; hint: give --server-url")
    }
    guard let home = try OptionValue.find("home", flag: home)?.homeId() else {
      throw .usage("no home is named; hint: give --home")
    }
    guard let token = common.tokens.userToken ?? common.tokens.homes[home]?.userToken else {
      throw .usage("the user's token is missing; hint: give --token-file with userToken")
    }
    return MobileClientSettings(
      server: try url.httpEndpoint(), homeId: home, userToken: token, task: task, format: json ? .json : .text)
  }
}

extension HostOptions {
  /// A mobile device keeps nothing and listens nowhere.
  func readAsMobile() throws(HostError) -> CommonSettings {
    var common = try read(program: "mobile-client", defaultPort: 80, speaksSSDP: false, state: .unused)
    common.host.httpPort = nil
    return common
  }
}

struct ListAgents: RoleProgram {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the home's CE devices and their applications.")

  @OptionGroup var server: ServerOptions
  @OptionGroup var common: HostOptions

  func run() async throws {
    let common = try common.readAsMobile()
    try await Self.host(MobileClient(try server.settings(common, .list)), common, tables: [])
  }
}

struct Connect: RoleProgram {
  static let configuration = CommandConfiguration(
    commandName: "connect", abstract: "Connects to an application of a CE device and fetches its page.")

  @OptionGroup var server: ServerOptions

  @Option(help: ArgumentHelp("The CE device's agent (variable HOMEBED_AGENT_ID).", valueName: "uuid"))
  var agent: String?

  @Option(help: ArgumentHelp("The application's name.", valueName: "name"))
  var application: String?

  @Option(
    help: ArgumentHelp(
      "Shown to the application in place of the token that the server gives: for tests of refusals.",
      valueName: "token"))
  var connectionToken: String?

  @Option(help: ArgumentHelp("Where the page is written.", valueName: "file"))
  var save: String?

  @Option(
    help: ArgumentHelp(
      "How long to wait between the server's answer and the connection to the application.", valueName: "seconds"))
  var visitDelay: String?

  @Flag(help: "Ends the connection when the application has answered.")
  var disconnect = false

  @OptionGroup var common: HostOptions

  func run() async throws {
    let common = try common.readAsMobile()
    guard let agentId = try OptionValue.find("agent", flag: agent, variable: "HOMEBED_AGENT_ID")?.uuid() else {
      throw HostError.usage("no CE device is named; hint: give --agent, and see mobile-client list")
    }
    guard let application = OptionValue.find("application", flag: application)?.text else {
      throw HostError.usage("no application is named; hint: give --application, and see mobile-client list")
    }
    let token = OptionValue.find("connection-token", flag: connectionToken)?.text
    if let token, !token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
      throw HostError.usage("--connection-token: expected a text without blanks")
    }
    let pause = try (OptionValue.find("visit-delay", flag: visitDelay) ?? common.setting("visit-delay"))?
      .seconds(0...86_400)
    let ends = OptionValue.find("disconnect", flag: disconnect ? "true" : nil) ?? common.setting("disconnect")
    let ending = try ends?.truth() ?? false
    let wish = MobileClientSettings.Wish(
      agentId: agentId, application: application, connectionToken: token, pause: pause ?? 0,
      ending: ending ? .disconnect : .leave)
    let client = MobileClient(try server.settings(common, .connect(wish)))
    try await Self.host(PageKeeper(client, file: save), common, tables: [])
  }
}
