import ArgumentParser
import Drawings
import LanguageKit
import Runner
import TopologyLanguage

extension Drawing.Format: ExpressibleByArgument {}

struct Draw: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws a topology.",
    discussion: "Example: homebed draw one-home --output one-home.svg")

  @Argument(help: "A topology's name, found as scenarios find it, or a topology file.")
  var topology: String

  @Option(help: "svg, dot, mermaid or text.")
  var format = Drawing.Format.svg

  @Option(name: .shortAndLong, help: "Where to write. Default: standard output.")
  var output: String?

  func run() throws {
    let text = Drawing.text(of: try find(), as: format)
    guard let output else { return write(text, to: 1) }
    do {
      try Files.write(text, to: output)
    } catch {
      complain("error: \(error)")
      throw ExitCode(2)
    }
  }

  private func find() throws -> Topology {
    do {
      let (found, diagnostics) = try TopologySearch.find(topology)
      for diagnostic in diagnostics where diagnostic.severity == .error { complain(diagnostic.rendered()) }
      guard let found else { throw ExitCode(2) }
      return found
    } catch let refusal as TopologySearch.Refusal {
      complain("error: \(refusal)")
      throw ExitCode(2)
    }
  }
}
