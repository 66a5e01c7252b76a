import ArgumentParser
import Runner

struct Do: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Performs actions of the scenario language in a home that is up.",
    discussion: """
      For example: homebed do "unplug tv"; homebed do 'set tv ip.address = 192.168.10.99'; homebed do 'wait until cfg \
      agent tv exists'. Each argument is a line. Exit status: 0 done, 1 it could not be done, 2 it is no action.
      """)

  @Option(help: "Which home, where more than one is up: as homebed up has called it.")
  var home: String?

  @Option(help: "How long it may take, in seconds.")
  var within = 30.0

  @Argument(help: "Actions, as a scenario's `when` has them.")
  var actions: [String]

  func validate() throws {
    guard within > 0, within.isFinite else { throw ValidationError("--within takes a number above 0, not \(within)") }
  }

  func run() throws {
    do {
      let answer = try HomeVisitor.find(home, tell: complain).perform(
        actions.joined(separator: "\n"), within: within)
      if !answer.text.isEmpty { complain(answer.status == 1 ? "error: \(answer.text)" : answer.text) }
      if answer.status != 0 { throw ExitCode(answer.status) }
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
