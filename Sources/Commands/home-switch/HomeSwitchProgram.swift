import ArgumentParser
import LinuxNetwork
import RoleHost

@main
struct HomeSwitchProgram: RoleProgram {
  static let configuration = CommandConfiguration(
    commandName: "home-switch",
    abstract: "A switch of the home. The kernel's bridge forwards; this program stands for the switch itself.",
    discussion: """
      It does not speak HTIP yet: it says `ready` and waits for SIGTERM.
      Each flag has a variable, such as HOMEBED_NODE for --node.
      """,
    version: programVersion)

  @Option(help: ArgumentHelp("The name of this node, for its logs.", valueName: "name"))
  var node: String?

  func run() async throws {
    let signals = try StopWait()
    let name = OptionValue.find("node", flag: node)?.text ?? "home-switch"
    // A reader that went away must not end a switch.
    try? Files.standard(.errors).write(Array("\(name): started\n".utf8), "a line")
    try? Files.standard(.output).write(Array("ready\n".utf8), "a line")
    try signals.wait()
  }
}
