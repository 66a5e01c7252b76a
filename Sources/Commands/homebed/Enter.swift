import ArgumentParser
import Backends
import Glibc
import JSONText
import Runner

struct Enter: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Opens a shell, or runs a command, inside a node of a home that is up.",
    discussion: "The exit status is the command's.")

  @Option(help: "Which home, where more than one is up: as homebed up has called it.")
  var home: String?

  @Argument(help: "The node.")
  var node: String

  @Argument(parsing: .captureForPassthrough, help: "A command with its arguments; your shell if none is given.")
  var command: [String] = []

  func run() throws {
    do {
      let visitor = try HomeVisitor.find(home, having: node, tell: complain)
      let answer = try visitor.enter(node)
      guard answer.status == 0 else {
        complain("error: \(answer.text)")
        throw ExitCode(answer.status)
      }
      guard let descriptor = answer.details["descriptor"]?.int, let resolv = answer.details["resolv"]?.string else {
        complain("error: the home \(visitor.id) is of another version")
        throw ExitCode(3)
      }
      for (name, value) in answer.details["environment"]?.object?.members ?? [] {
        if let text = value.string { setenv(name, text, 1) }
      }
      let shell = getenv("SHELL").map { String(cString: $0) } ?? "/bin/sh"
      let words = command.first == "--" ? Array(command.dropFirst()) : command
      let launcher = try Launcher.find()
      try launcher.becomeVisitor(
        of: visitor.process(), descriptor: descriptor, resolv: resolv, command: words.isEmpty ? [shell] : words)
    } catch let refusal as HomeVisitor.Refusal {
      complain("error: \(refusal)")
      throw ExitCode(2)
    } catch let status as ExitCode {
      throw status
    } catch {
      complain("error: \(error)")
      throw ExitCode(3)
    }
  }
}
